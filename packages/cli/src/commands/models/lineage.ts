import { resolve } from 'node:path'
import { MAX_RESULT_BYTES } from '@sotto/client/receipts'
import { drawLineage, type LineageGiven, requireLineage } from '@sotto/client/rooms/training'
import { utf8 } from '@sotto/protocol/bytes'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openInput, readBytes } from '../../input/index.ts'
import { LINEAGE_FLAGS, lineageJson, readLineage, showLineage } from '../../models/lineage/index.ts'
import { readKept } from '../../receipts/index.ts'
import { writeOnce } from '../../room/output-files.ts'

/** `sotto models lineage FILE|DIR` */
export const modelsLineage: Command = defineCommand({
  path: ['models', 'lineage'],
  summary: 'Draw where a trained model comes from, and verify every link, offline',
  description:
    'Goes from an answer (--receipt) over the model to the run that trained it, the evidence of its room, what the KMS\n' +
    'charged, the contract, and the data it read. Everybody can check that chain who has the model and its origin,\n' +
    'which sotto room outputs writes beside it. Whose the data are, and that the run kept the contract, parties see\n' +
    'with --proof. Needs no network. Exit code 3: a link is broken.',
  arguments: [{ name: 'FILE|DIR', summary: 'the model, or the output that it is', required: true }],
  flags: {
    ...LINEAGE_FLAGS,
    receipt: { type: 'string', value: 'FILE', summary: 'receipt or kept result of an answer of the model' },
    svg: { type: 'string', value: 'FILE', summary: 'write the drawing to this file as well' },
  },
  examples: [
    'sotto models lineage fraud.onnx --policy policy.json',
    'sotto models lineage fraud.onnx --origin model.origin.json --receipt answer.receipt.json --svg chain.svg',
    'sotto models lineage results/3f8a91c2d4e5/model --proof proof.json',
  ],
  async run(context, [path = ''], flags) {
    const answer = flags.receipt === undefined ? undefined : await readAnswer(context, flags.receipt)
    const { lineage } = await readLineage(context, path, flags, answer)
    if (flags.svg !== undefined) {
      const file = resolve(context.io.cwd, flags.svg)
      await writeOnce(file, utf8(drawLineage(lineage)), 'move it away, or choose another place')
      context.note(`wrote ${flags.svg}`)
    }
    if (context.global.json) context.json(lineageJson(lineage))
    else showLineage(context, lineage)
    requireLineage(lineage)
  },
})

/** A receipt, and where a result was kept also what it is about. */
async function readAnswer({ io }: CommandContext, file: string): Promise<LineageGiven['answer']> {
  const { receipt, result } = readKept(await readBytes(await openInput(io, [file], 0), MAX_RESULT_BYTES))
  if (result === undefined) return { receipt }
  const { request, response } = result
  return {
    receipt,
    subject: {
      request: { ...request, body: [request.body] },
      response: { ...response, body: [response.body] },
    },
  }
}
