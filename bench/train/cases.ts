/** What is trained: each case gives its steps, as a room makes them, and its graph alone. */
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { parseGguf } from '@sotto/protocol/gguf'
import { mlpForward, type TrainSpec } from '@sotto/protocol/train-graph'
import {
  buildGraphs,
  Chance,
  clipWithin,
  createTrainer,
  openStep,
  type Part,
  type TrainSettings,
} from '../../packages/enclave/src/train/index.ts'
import type { TextPart } from '../../packages/enclave/src/train/data/texts.ts'
import { type Examples, rowUnits } from '../../packages/enclave/src/train/data/units.ts'
import type { StepSession, SumGraph } from '../../packages/enclave/src/train/step/session.ts'
import { microBatchFor } from '../../packages/enclave/src/train/step/micro-batch.ts'
import { buildTextGraphs } from '../../packages/enclave/src/train/step/text-graph.ts'
import { openTextStep } from '../../packages/enclave/src/train/step/text-session.ts'
import type { LlamaShape, TorchCase } from './torch.ts'

/** Does so many examples (or tokens), and says how many they were. */
export type Work = () => Promise<number>

/** One model with one size of its batch. */
export interface TrainCase {
  readonly name: string
  readonly unit: 'examples' | 'tokens'
  /** The bare graph in the runtime, with the same batch again and again. */
  readonly graph: (isClipped: boolean) => Promise<Work>
  /** Steps of a room: rows are drawn and gathered, sums clipped, noise added, weights moved. */
  readonly steps: (isPrivate: boolean) => Promise<Work>
  readonly torch: readonly TorchCase[]
}

const ROWS = 100_000
/** Numbers of all rows together: what fits into memory, and not into a cache. */
const NUMBERS = 60_000_000
const chance = new Chance(new Uint8Array(32).fill(5))

/** A perceptron, or logistic regression, over rows of numbers. */
export function tableCase(name: string, sizes: readonly number[], batch: number): TrainCase {
  const outputs = sizes.at(-1)!
  const rows = Math.min(ROWS, Math.floor(NUMBERS / sizes[0]!))
  const settings = settingsOf(batch, rows)
  const parameters = sizes.slice(1).reduce((sum, to, at) => sum + to * (sizes[at]! + 1), 0)
  const graphsOf = (isClipped: boolean): ReturnType<typeof buildGraphs> => {
    const spec: TrainSpec = {
      forward: mlpForward({ sizes, activation: 'relu', seed: 5 }),
      trainable: 'all',
      loss: { kind: outputs === 1 ? 'binary' : 'cross-entropy', output: 'y' },
      microBatch: microBatchFor(batch, isClipped),
      ...(isClipped && { clip: clipWithin({ ...settings(true).privacy!, parameters })! }),
    }
    return buildGraphs(spec, Math.max(2, outputs))
  }
  const part = (count: number): Part => ({
    name: 'made up',
    rows: count,
    width: sizes[0]!,
    columns: Array.from({ length: sizes[0]! }, (_, start) => ({ kind: 'number', start, width: 1 })),
    values: Float32Array.from({ length: count * sizes[0]! }, () => Math.random() * 2 - 1),
    labels: Float32Array.from({ length: count }, () => Math.floor(Math.random() * Math.max(2, outputs))),
    units: rowUnits(count),
  })
  return {
    name,
    unit: 'examples',
    graph: (isClipped) => bareGraph(graphsOf(isClipped).step),
    steps: async (isPrivate) =>
      stepsOf(await openStep(graphsOf(isPrivate).step), part(rows), settings(isPrivate), 1),
    torch: [
      { kind: 'fixed', sizes, batch },
      { kind: 'drawn', sizes, batch },
    ],
  }
}

const SHAPE: LlamaShape = { layers: 5, width: 64, heads: 8, kvHeads: 4, inner: 172, words: 512 }
const [RANK, LENGTH, WINDOWS, WINDOW_ROWS] = [8, 64, 8, 2000]
/** A sample of windows is seldom as large as expected: what a run is not filled with is work for nothing. */
const CLIPPED_WINDOWS = 2

/** Branches of rank 8 beside queries and values of a small llama. @param file GGUF of that shape */
export function loraCase(file: string): TrainCase {
  const gguf = parseGguf(readFileSync(file))
  const settings = settingsOf(WINDOWS, WINDOW_ROWS)
  const lora = { rank: RANK, alphaMilli: 2000 * RANK, targets: ['attn_q', 'attn_v'], seed: 1 }
  const graphOf = (isClipped: boolean): ReturnType<typeof buildTextGraphs>['step'] => {
    const parameters = SHAPE.layers * RANK * (3 * SHAPE.width + (SHAPE.width * SHAPE.kvHeads) / SHAPE.heads)
    const clip = isClipped ? clipWithin({ ...settings(true).privacy!, parameters })! : undefined
    const microBatch = isClipped ? CLIPPED_WINDOWS : WINDOWS
    const training = { lora, sequence: LENGTH, microBatch, ...(clip !== undefined && { clip }) }
    return buildTextGraphs(gguf, training).step
  }
  const words = (): Int32Array =>
    Int32Array.from({ length: WINDOW_ROWS * LENGTH }, () => Math.floor(Math.random() * SHAPE.words))
  const part = (): TextPart => ({
    name: 'made up',
    sequence: LENGTH,
    rows: WINDOW_ROWS,
    tokens: words(),
    targets: words(),
    units: rowUnits(WINDOW_ROWS),
  })
  return {
    name: `LoRA of rank ${RANK}, 260k llama, batch ${WINDOWS} x ${LENGTH}`,
    unit: 'tokens',
    graph: (isClipped) => bareGraph(graphOf(isClipped), LENGTH),
    steps: async (isPrivate) =>
      stepsOf(await openTextStep(graphOf(isPrivate)), part(), settings(isPrivate), LENGTH),
    torch: [{ kind: 'lora', ...SHAPE, batch: WINDOWS, length: LENGTH, rank: RANK }],
  }
}

function settingsOf(batch: number, rows: number): (isPrivate: boolean) => TrainSettings {
  const privacy = {
    sampleRateNanos: Math.round((batch / rows) * 1e9),
    noise: 1,
    clip: 1,
    maxRowsPerUnit: 1,
    kind: 'gaussian',
  } as const
  return (isPrivate) => ({
    steps: 1_000_000,
    expectedBatch: batch,
    optimiser: { kind: 'sgd', momentum: 0, weightDecay: 0 },
    schedule: { kind: 'constant', rate: 0.01, warmupSteps: 0, floor: 0 },
    ...(isPrivate && { privacy }),
  })
}

/** @param each what one row counts */
async function stepsOf<Rows extends Examples>(
  session: StepSession<Rows>,
  part: Rows,
  settings: TrainSettings,
  each: number,
): Promise<Work> {
  const of = { session, parts: [{ place: 0, part }], places: [0], totalRows: part.rows, chance, settings }
  const trainer = await createTrainer(of)
  let step = 0
  return async () => {
    const sums = await trainer.sum(step)
    trainer.apply(step, sums)
    step++
    return sums[0]!.examples * each
  }
}

/** @param each what one row counts */
async function bareGraph(graph: SumGraph, each = 1): Promise<Work> {
  const session = await InferenceSession.create(graph.model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  const feeds = Object.fromEntries(
    session.inputMetadata.map((port) => {
      if (!port.isTensor) throw new Error('an input is no tensor')
      const dims = port.shape.map(Number)
      const count = dims.reduce((product, size) => product * size, 1)
      const at = /^p\.(\d+)$/.exec(port.name)?.[1]
      const numbers =
        at === undefined
          ? Float32Array.from({ length: count }, () => (port.name === 'x.0' ? Math.random() : 1))
          : graph.parameters[Number(at)]!.initial
      const tensor =
        port.type === 'int64'
          ? new Tensor('int64', new BigInt64Array(count).fill(1n), dims)
          : new Tensor('float32', numbers, dims)
      return [port.name, tensor]
    }),
  )
  return async () => {
    await session.run(feeds)
    return graph.microBatch * each
  }
}
