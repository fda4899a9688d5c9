import { closeSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FinetuneTask } from '@sotto/protocol/contract'
import { parseLoraAdapter } from '@sotto/protocol/gguf'
import { parseMetrics } from '@sotto/protocol/training'
import { afterAll, describe, expect, it } from 'vitest'
import { withMemoryLimit } from '../../../src/engines/host/memory-limit.ts'
import { probeSandbox } from '../../../src/engines/host/sandbox.ts'
import { openTokenizer } from '../../../src/engines/gguf/tokenizer.ts'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import {
  finetuneInProcess,
  type FinetuneProcessRun,
  type TrainEngine,
  type TuningText,
} from '../../../src/train/process/index.ts'
import type { TrainingProgress } from '../../../src/train/task/index.ts'
import { runFinetune } from '../../../src/train/task/finetune/index.ts'
import { modelFile } from '../../engines/fixtures/model.ts'
import { MODELS } from '../../engines/testdata.ts'
import { ramFile } from '../../room/sql/engine.ts'
import { HELD, LETTERS } from '../stories.ts'
import { textsOf, TUNING } from '../tunings.ts'
import { SECRET } from './tasks.ts'

const emptyDirectory = makeEmptyDirectory()
const entry = fileURLToPath(new URL('../../../src/train/process/worker.ts', import.meta.url))
const ENGINE: TrainEngine = { entry, emptyDirectory }
const STORY = join(MODELS, 'sotto-tiny-story-en/sotto-tiny-story-en.gguf')

const open: number[] = []
afterAll(() => open.forEach((fd) => closeSync(fd)))

function opened(bytes: Uint8Array): { fd: number; bytes: number } {
  const fd = ramFile(bytes)
  open.push(fd)
  return { fd, bytes: bytes.length }
}

function textOf(name: string, texts: readonly string[]): TuningText {
  const { items, bytes } = textsOf(name, texts)
  return { name, items, ...opened(bytes) }
}

const modelOf = (bytes: Uint8Array): FinetuneProcessRun['model'] => [
  { name: 'story.gguf', role: 'weights', ...opened(bytes) },
]

const TASK: FinetuneTask = {
  ...TUNING,
  lora: { rank: 2, alphaMilli: 8000, targets: ['attn_q', 'ffn_down'] },
  texts: ['letters'],
  tokens: 40,
  validation: { texts: ['held'] },
  descent: { ...TUNING.descent, steps: 6, schedule: { ...TUNING.descent.schedule, warmupSteps: 1 } },
  metrics: ['loss'],
}

function runOf(over: Partial<FinetuneProcessRun> = {}): FinetuneProcessRun {
  return {
    task: TASK,
    texts: [textOf('letters', LETTERS), textOf('held', HELD)],
    model: modelOf(readFileSync(STORY)),
    parts: new Map([['model', 1_000_000]]),
    threads: 1,
    secret: SECRET(),
    ...over,
  }
}

describe('the process of a fine-tuning', () => {
  it('gives in the sandbox of engines the very adapter that is tuned here, and the loss before and after', async (context) => {
    const uid = 63_503
    if (process.getuid!() !== 0) context.skip('only root can give it a uid of its own')
    const sandbox = await probeSandbox({ entry, uid, emptyDirectory })
    expect(sandbox.report).toMatchObject({ uid: 'own', network: 'none', noNewPrivs: true })
    const memory = withMemoryLimit(2 * 2 ** 30 + TASK.limits.memoryBytes)
    const prefix = [...memory, ...sandbox.prefix(uid, emptyDirectory)]
    const parts = new Map([
      ['model', 1_000_000],
      ['metrics', 1000],
    ] as const)
    const { parts: made, figures } = await finetuneInProcess({ ...ENGINE, prefix }, runOf({ parts }))
    const here = await runFinetune({
      task: TASK,
      model: {
        bytes: readFileSync(STORY),
        openTokenizer: () => {
          const weights = { ...modelFile('story.gguf', readFileSync(STORY), 'weights'), path: STORY }
          return openTokenizer({ files: new Map([[weights.name, weights]]), threads: 1 })
        },
      },
      texts: new Map([
        ['letters', textsOf('letters', LETTERS)],
        ['held', textsOf('held', HELD)],
      ]),
      parts,
      secret: SECRET(),
    })
    expect(figures).toEqual(here.figures)
    expect(Buffer.from(made.get('model')!).equals(here.parts.get('model')!)).toBe(true)
    expect(parseLoraAdapter(made.get('model')!).branches[0]).toMatchObject({ rank: 2 })
    const [loss] = parseMetrics(made.get('metrics')!).metrics
    expect(loss!.valueMicros).toBeLessThan(loss!.baseMicros! * 0.8)
  })

  it('shows how far it is, and is gone when the caller cancels', async () => {
    const controller = new AbortController()
    const shown: TrainingProgress[] = []
    const run = runOf({
      task: { ...TASK, descent: { ...TASK.descent, steps: 1_000_000 }, show: 'loss' },
      signal: controller.signal,
      onProgress: (progress) => {
        shown.push(progress)
        if (shown.length === 2) controller.abort()
      },
    })
    await expect(finetuneInProcess(ENGINE, run)).rejects.toMatchObject({ code: 'ROOM_TRAIN_CANCELLED' })
    expect(shown[1]!.done).toBeGreaterThan(shown[0]!.done)
    expect(shown[1]!.lossMicros).toBeGreaterThan(0)
  })

  it.each<[string, () => Partial<FinetuneProcessRun>, string, string]>([
    [
      'no GGUF',
      () => ({ model: modelOf(Buffer.from(LETTERS[0]!)) }),
      'ROOM_TRAIN_GRAPH',
      'the model is none that can be trained in this way, GGUF_MALFORMED',
    ],
    [
      'beside an adapter',
      () => {
        const [weights] = modelOf(readFileSync(STORY))
        return { model: [weights!, { ...weights!, name: 'other.gguf', role: 'adapter' }] }
      },
      'ROOM_TRAIN_GRAPH',
      'the model is none that can be trained in this way',
    ],
    [
      'tuned on texts that are cut',
      () => ({ texts: [{ ...textOf('letters', LETTERS), items: 3 }, textOf('held', HELD)] }),
      'ROOM_TRAIN_TEXT',
      'an input is not so many texts as stated, or one of them is too long or no UTF-8, text letters',
    ],
  ])('is refused a model that is %s, in no word of the files', async (_, over, code, message) => {
    await expect(finetuneInProcess(ENGINE, runOf(over()))).rejects.toMatchObject({ code, message })
  })
})
