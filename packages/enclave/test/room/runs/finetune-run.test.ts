import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FinetuneTask, Input, Output } from '@sotto/protocol/contract'
import { parseLoraAdapter } from '@sotto/protocol/gguf'
import { modelDigest, type ModelManifest } from '@sotto/protocol/model-manifest'
import { parseMetrics, parseSafetensors } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import { type ComputedRun, computeRun } from '../../../src/room/runs/compute-run.ts'
import type { RunJob } from '../../../src/room/runs/run-job.ts'
import { MODELS } from '../../engines/testdata.ts'
import { HELD, LETTERS } from '../../train/stories.ts'
import { itemsOf, PRIVATE_TUNING, TUNING } from '../../train/tunings.ts'
import { digestOf, MemoryBoard, sealInput, type SealedInput } from './sealed-inputs.ts'
import { outputOf, planOf, tableInput, trainTools } from './trainings.ts'

const STORY = new Uint8Array(readFileSync(join(MODELS, 'sotto-tiny-story-en/sotto-tiny-story-en.gguf')))
const BARE = {
  format: 'sotto-model/1',
  id: 'bank/story',
  task: 'text-generation',
  engine: 'gguf',
  files: [{ name: 'story.gguf', sha256: digestOf(STORY), size: STORY.length, role: 'weights' }],
} as const
const MANIFEST: ModelManifest = { ...BARE, digest: modelDigest(BARE) }

const LETTER_TASK: FinetuneTask = {
  ...TUNING,
  digest: MANIFEST.digest,
  lora: { rank: 2, alphaMilli: 8000, targets: ['attn_q', 'ffn_down'] },
  texts: ['letters'],
  tokens: 40,
  descent: { ...TUNING.descent, steps: 5, schedule: { ...TUNING.descent.schedule, warmupSteps: 1 } },
}

const input = (name: string, kind: Input['kind']): Input => {
  const { columns: _, ...rest } = tableInput(name, { kind })
  return rest
}
const INPUTS = [input('letters', 'text'), input('base', 'model')]

const textsIn = (board: MemoryBoard, name: string, texts: readonly (string | Uint8Array)[]) =>
  sealInput(board, { name, kind: 'text' }, itemsOf(texts), { media: 'text', items: texts.length })

const modelIn = (board: MemoryBoard, content: Uint8Array = STORY, manifest = MANIFEST) =>
  sealInput(board, { name: 'base', kind: 'model' }, content, {
    media: 'model',
    items: manifest.files.length,
    model: JSON.stringify(manifest),
  })

/** A run of a fine-tuning, with inputs that were sealed to it. */
function compute(
  task: FinetuneTask,
  board: MemoryBoard,
  sealed: readonly SealedInput[],
  over: { inputs?: readonly Input[]; outputs?: readonly Output[]; onProgress?: () => void } = {},
): Promise<ComputedRun> {
  const { inputs = INPUTS, outputs, onProgress = () => {} } = over
  const job = {
    plan: planOf(task, inputs, outputs),
    statements: sealed.map(({ statement }) => statement),
    access: { board: '00'.repeat(32), token: 'A'.repeat(43) },
    offer: { transform: 'fit' },
  }
  return computeRun(job as unknown as RunJob, {
    contentKeys: sealed.map(({ contentKey }) => Uint8Array.from(contentKey)),
    tools: trainTools(),
    board,
    maxResultBytes: 10_000_000,
    signal: new AbortController().signal,
    onKept: () => {},
    onProgress,
  })
}

describe('a run of a fine-tuning', () => {
  it('gives each output its part, names the model, and says what was trained', async () => {
    const board = new MemoryBoard()
    const sealed = [
      await textsIn(board, 'letters', LETTERS),
      await textsIn(board, 'held', HELD),
      await modelIn(board),
    ]
    const task: FinetuneTask = {
      ...LETTER_TASK,
      validation: { texts: ['held'] },
      metrics: ['loss'],
      show: 'loss',
    }
    const shown: unknown[] = []
    const { outputs, steps, models } = await compute(task, board, sealed, {
      inputs: [INPUTS[0]!, input('held', 'text'), INPUTS[1]!],
      outputs: [
        outputOf('adapter'),
        outputOf('tensors', { part: 'safetensors' }),
        outputOf('figures', { part: 'metrics' }),
      ],
      onProgress: (...progress: unknown[]) => void shown.push(progress),
    })
    const [adapter, tensors, figures] = outputs.map(({ bytes }) => bytes)
    expect(parseLoraAdapter(adapter!)).toMatchObject({ architecture: 'llama', alpha: 8 })
    expect(parseSafetensors(tensors!).tensors.length).toBeGreaterThan(3)
    const [loss] = parseMetrics(figures!).metrics
    expect(loss!.valueMicros).toBeLessThan(loss!.baseMicros! * 0.9)
    expect([...models]).toEqual([['base', MANIFEST.digest]])
    expect(steps).toEqual([
      {
        transform: 'fit',
        kind: 'finetune',
        task: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
        training: { steps: 5, graph: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
      },
    ])
    expect(shown.at(-1)).toEqual(['fit', 5, 5, expect.any(Number)])
  })

  it('with a guarantee names it, and is not refused for what one text is', async () => {
    const board = new MemoryBoard()
    const sealed = [
      await textsIn(board, 'letters', [...LETTERS, Uint8Array.of(0xff), '']),
      await modelIn(board),
    ]
    const { privacy } = PRIVATE_TUNING
    const { steps, outputs } = await compute({ ...LETTER_TASK, privacy: privacy! }, board, sealed)
    expect(parseLoraAdapter(outputs[0]!.bytes).branches[0]).toMatchObject({ rank: 2 })
    const { epsilonMicros, deltaTrillionths } = privacy!
    expect(steps[0]!.training).toMatchObject({ epsilonMicros, deltaTrillionths })
  })

  const { digest: _, ...bare } = MANIFEST
  const forGraphs = { ...bare, engine: 'onnx', task: 'tensors' } as const
  const other = { ...bare, files: [{ ...bare.files[0]!, name: 'other.gguf' }] }

  it.each<[string, Uint8Array, ModelManifest, string, object]>([
    [
      'another model than the contract pins',
      STORY,
      { ...other, digest: modelDigest(other) },
      MANIFEST.digest,
      { code: 'ROOM_INPUT', expected: MANIFEST.digest },
    ],
    [
      'weights that are not those of the manifest',
      STORY.with(5000, STORY[5000]! ^ 1),
      MANIFEST,
      MANIFEST.digest,
      { code: 'ROOM_INPUT', expected: digestOf(STORY) },
    ],
    [
      'a model for another engine',
      STORY,
      { ...forGraphs, digest: modelDigest(forGraphs) },
      modelDigest(forGraphs),
      { code: 'ROOM_TASK', expected: 'a model for gguf', found: 'a model for onnx' },
    ],
  ])('is refused %s', async (_name, content, manifest, digest, refusal) => {
    const board = new MemoryBoard()
    const sealed = [await textsIn(board, 'letters', LETTERS), await modelIn(board, content, manifest)]
    await expect(compute({ ...LETTER_TASK, digest }, board, sealed)).rejects.toMatchObject(refusal)
  })

  it('names the input whose items are no texts, and nothing of them', async () => {
    const board = new MemoryBoard()
    const sealed = [
      await textsIn(board, 'letters', [...LETTERS, Buffer.from('secret \xff', 'latin1')]),
      await modelIn(board),
    ]
    const asked = compute(LETTER_TASK, board, sealed)
    await expect(asked).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TEXT',
      message:
        'an input is not so many texts as stated, or one of them is too long or no UTF-8, text letters',
    })
    await expect(asked).rejects.not.toThrow(/secret/)
  })
})
