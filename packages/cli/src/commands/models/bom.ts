import { basename, resolve } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { figuresOf, requireLineage } from '@sotto/client/rooms/training'
import { utf8 } from '@sotto/protocol/bytes'
import { renderMlBom, type TrainingMetrics } from '@sotto/protocol/training'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openInput, readBytes } from '../../input/index.ts'
import { LINEAGE_FLAGS, readLineage, readOrigin, type TracedModel } from '../../models/lineage/index.ts'

/** `sotto models bom FILE|DIR` */
export const modelsBom: Command = defineCommand({
  path: ['models', 'bom'],
  summary: 'Write the bill of materials of a trained model: CycloneDX 1.6, with a model card',
  description:
    'Verifies where the model comes from as sotto models lineage does, and states nothing that does not hold: data by\n' +
    'digest, room, evidence and KMS receipt of the run, what was charged, and what is guaranteed to those whose rows it\n' +
    'read. With --metrics also figures of the same run. With --proof it names owners and what was trained, which the\n' +
    'contract holds: ask its parties before you publish that. The same model gives the same bytes.',
  arguments: [{ name: 'FILE|DIR', summary: 'the model', required: true }],
  flags: {
    ...LINEAGE_FLAGS,
    metrics: {
      type: 'string',
      value: 'FILE',
      summary: 'figures that left the same run, with their origin beside them',
    },
    'metrics-origin': {
      type: 'string',
      value: 'FILE',
      summary: 'origin of the figures (default: NAME.origin.json beside them)',
    },
    out: { type: 'string', value: 'FILE', summary: 'file to write (default: standard output)' },
  },
  examples: [
    'sotto models bom fraud.onnx --metrics figures --out fraud.cdx.json',
    'sotto models bom fraud.onnx --origin model.origin.json --proof proof.json',
  ],
  async run(context, [path = ''], flags) {
    if (flags.metrics === undefined && flags['metrics-origin'] !== undefined)
      throw cliError('CLI_USAGE', '--metrics-origin needs --metrics', { hint: 'add --metrics FILE' })
    const traced = await readLineage(context, path, flags)
    requireLineage(traced.lineage)
    const { manifest, run, contract, software } = traced.lineage
    if (manifest === undefined || run === undefined)
      throw cliError('MODEL_INVALID', 'this file does not say what model it is', {
        expected: 'a folder with a manifest.json, or one .gguf or .onnx file',
      })
    const metrics = flags.metrics === undefined ? undefined : await readFigures(context, traced, flags)
    const bom = renderMlBom({
      manifest,
      run,
      ...(contract && { contract }),
      ...(metrics && { metrics }),
      origin: { file: basename(traced.origin.file), digest: traced.origin.digest },
      software,
    })
    if (flags.out === undefined) return context.out(bom.trimEnd())
    const out = resolve(context.io.cwd, flags.out)
    await writeWhole(out, utf8(bom), 0o644).catch((cause: unknown) => {
      throw cliError('CLI_FILE', `cannot write ${out}`, { cause, hint: 'choose another place with --out' })
    })
    if (context.global.json) return context.json({ bom: out, model: manifest.digest, run: run.run })
    context.out(`wrote ${flags.out}`)
  },
})

const MAX_FIGURES_BYTES = 65_536

async function readFigures(
  context: CommandContext,
  { lineage: { run } }: TracedModel,
  flags: { readonly metrics: string | undefined; readonly 'metrics-origin': string | undefined },
): Promise<TrainingMetrics> {
  const file = flags.metrics!
  const { origin } = await readOrigin(context, file, flags['metrics-origin'])
  const bytes = await readBytes(await openInput(context.io, [file], 0), MAX_FIGURES_BYTES)
  return figuresOf(bytes, origin, run!)
}
