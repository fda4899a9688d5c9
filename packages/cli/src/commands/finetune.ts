import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { parseMetrics } from '@sotto/protocol/training'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../framework/index.ts'
import { findRoom, KEY_FLAG, roomFolder, short, writePrivate } from '../room/index.ts'
import { TARGET_FLAGS } from '../service/index.ts'
import {
  ADAPTER_OUTPUT,
  answerOf,
  FIGURES_OUTPUT,
  finetuneDraft,
  type FinetuneWish,
  MODEL_INPUT,
  OWNER,
  TEXTS_INPUT,
  TUNE,
  warningOnce,
} from '../training/index.ts'
import { roomDataAdd } from './room/data-add.ts'
import { roomInit } from './room/init.ts'
import { roomOutputs } from './room/outputs.ts'
import { roomPropose } from './room/propose.ts'
import { roomRun } from './room/run.ts'
import { roomVote } from './room/vote.ts'

/** What opened outputs are, as `sotto room outputs --json` says. */
interface Outputs {
  runs: { run: string; outputs: { output: string; file: string; origin?: string }[] }[]
}

/** `sotto finetune --model FILE --data FILE` */
export const finetune: Command = defineCommand({
  path: ['finetune'],
  summary: 'Tune a model of yours on texts of yours, in a verified enclave',
  description:
    'Seals model and texts here, has a verified clean room of the service learn an adapter (LoRA), and opens what it made.\n' +
    'Whoever keeps the machines sees neither. It is a room, a contract and a run as any other, in which nobody else is:\n' +
    'sotto room status shows them, and sotto train plot --room NAME draws the loss meanwhile. The operator has to have\n' +
    'admitted your key: sotto models owner shows it. For models and texts of several parties see sotto help training.',
  flags: {
    model: { type: 'string', value: 'FILE', summary: 'the model, in GGUF' },
    data: {
      type: 'string',
      value: 'FILE',
      summary: 'texts: a file, a folder, or lines of JSON; may be repeated',
      repeats: true,
    },
    name: { type: 'string', value: 'NAME', summary: 'what the room is called here (default: tune)' },
    out: { type: 'string', value: 'DIR', summary: 'folder of the adapter (default: NAME-adapter here)' },
    rank: {
      type: 'number',
      value: 'N',
      summary: 'of the matrices (default 8)',
      min: 1,
      max: 256,
      integer: true,
    },
    targets: { type: 'string', value: 'LIST', summary: 'modules, by comma (default attn_q,attn_v)' },
    tokens: {
      type: 'number',
      value: 'N',
      summary: 'of a window, which is one example (default 128)',
      min: 8,
      max: 4096,
      integer: true,
    },
    steps: {
      type: 'number',
      value: 'N',
      summary: 'of 8 windows each (default 1000)',
      min: 1,
      max: 10_000_000,
      integer: true,
    },
    'learning-rate': { type: 'string', value: 'N', summary: 'the highest (default 0.0002)' },
    epsilon: { type: 'string', value: 'N', summary: 'guarantee for each text; nothing is measured then' },
    delta: { type: 'string', value: 'N', summary: 'with --epsilon (default 1e-5)' },
    contributors: {
      type: 'number',
      value: 'N',
      summary: 'with --epsilon: about how many texts there are',
      min: 1,
      max: 1_000_000_000,
      integer: true,
    },
    ...KEY_FLAG,
    ...TARGET_FLAGS,
  },
  examples: [
    'sotto finetune --model base.gguf --data letters/',
    'sotto finetune --model base.gguf --data notes.jsonl --epsilon 8 --contributors 5000',
  ],
  async run(outer, _arguments, flags) {
    const context = warningOnce(outer)
    const { io } = context
    const { model, data, name = 'tune', key, host, gateway, log, policy } = flags
    if (model === undefined || data === undefined)
      throw cliError('CLI_USAGE', 'say what to tune, and on what', {
        expected: '--model FILE and --data FILE',
      })
    const target = { key, host, gateway, log, policy }
    const wish = wishOf(resolve(io.cwd, model), flags)
    await requireRoom(context, name, target)
    const inRoom = { room: name, ...target }
    const draft = join(roomFolder(io, name), 'tune.yaml')
    await writeWhole(draft, finetuneDraft(wish))
    const { contract } = await answerOf<{ contract: string }>(context, roomPropose, [draft], inRoom)
    await answerOf(context, roomVote, [contract, 'yes'], inRoom)
    await answerOf(context, roomDataAdd, [TEXTS_INPUT, ...data], { ...inRoom, contract })
    await answerOf(context, roomDataAdd, [MODEL_INPUT, model], { ...inRoom, contract })
    const { run } = await answerOf<{ run: string }>(context, roomRun, [TUNE], { ...inRoom, contract })
    const folder = resolve(io.cwd, flags.out ?? `${name}-adapter`)
    const opened = await answerOf<Outputs>(context, roomOutputs, [run], { ...inRoom, out: folder })
    const { outputs } = opened.runs[0]!
    const fileOf = (output: string): (typeof outputs)[number] | undefined =>
      outputs.find((one) => one.output === output)
    const adapter = fileOf(ADAPTER_OUTPUT)!
    // Engines and people know a file by its ending.
    const { file } = await writePrivate(folder, `${short(run)}.gguf`, await readFile(adapter.file))
    const figures = fileOf(FIGURES_OUTPUT)
    const loss = figures && lossIn(await readFile(figures.file))
    if (context.global.json)
      return context.json({ room: name, contract, run, adapter: file, origin: adapter.origin, ...loss })
    context.out(`adapter  ${file}`)
    if (loss)
      context.out(`loss     ${loss.before} before, ${loss.after} after, of texts that were not trained on`)
    if (adapter.origin !== undefined) context.out(`origin   ${adapter.origin}`)
    context.note(`serve it beside its base: sotto models seal ${model} --adapter ${file}`)
  },
})

/** @throws `CLI_USAGE` for flags that say nothing together */
function wishOf(
  model: string,
  flags: {
    rank: number | undefined
    targets: string | undefined
    tokens: number | undefined
    steps: number | undefined
    'learning-rate': string | undefined
    epsilon: string | undefined
    delta: string | undefined
    contributors: number | undefined
  },
): FinetuneWish {
  const { rank, targets, tokens, steps, epsilon, delta, contributors } = flags
  if (
    (epsilon === undefined) !== (contributors === undefined) ||
    (epsilon === undefined && delta !== undefined)
  )
    throw cliError('CLI_USAGE', 'a guarantee is an epsilon for about so many texts', {
      expected: '--epsilon N --contributors N, or neither',
    })
  return {
    model,
    rank,
    targets: targets?.split(',').map((one) => one.trim()),
    tokens,
    steps,
    learningRate: flags['learning-rate'],
    privacy:
      epsilon !== undefined
        ? { epsilon, ...(delta !== undefined && { delta }), contributors: contributors! }
        : undefined,
  }
}

/** The room of an earlier time, or a new one. */
async function requireRoom(context: CommandContext, name: string, target: object): Promise<void> {
  const before = await findRoom(context.io, name)
  if (before?.isJoined === true) return
  await answerOf(context, roomInit, [name], { as: OWNER, ...target })
}

/** Mean loss of held-out texts, before and after. */
function lossIn(figures: Uint8Array): { before: number; after: number } | undefined {
  const loss = parseMetrics(figures).metrics.find(({ metric }) => metric === 'loss')
  if (loss?.baseMicros === undefined) return undefined
  return { before: loss.baseMicros / 1e6, after: loss.valueMicros / 1e6 }
}
