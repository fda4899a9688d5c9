import { createHash } from 'node:crypto'
import { concat } from '@sotto/protocol/bytes'
import type { Input, Output, TrainTask } from '@sotto/protocol/contract'
import { modelDigest } from '@sotto/protocol/model-manifest'
import { encodeOnnx, parseOnnx } from '@sotto/protocol/onnx'
import { mlpForward } from '@sotto/protocol/train-graph'
import { parseMetrics } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import { type ComputedRun, type ComputeOptions, computeRun } from '../../../src/room/runs/compute-run.ts'
import type { RunJob } from '../../../src/room/runs/run-job.ts'
import { LOGISTIC, ONE, PRIVATE } from '../../train/process/tasks.ts'
import { MADE_UP_WIDTH, madeUp } from '../../train/tables.ts'
import { digestOf, MemoryBoard, sealInput, type SealedInput } from './sealed-inputs.ts'
import { outputOf, planOf, tableInput, trainTools } from './trainings.ts'

/** A run of a training, with inputs that were sealed to it. */
async function compute(
  task: TrainTask,
  sealed: readonly SealedInput[],
  board: MemoryBoard,
  over: Partial<ComputeOptions> & { inputs?: readonly Input[]; outputs?: readonly Output[] } = {},
): Promise<ComputedRun> {
  const { inputs, outputs, ...options } = over
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
    onProgress: () => {},
    ...options,
  })
}

const table = (board: MemoryBoard, name: string, bytes: Uint8Array, media: 'csv' | 'parquet' = 'csv') =>
  sealInput(board, { name, kind: 'table' }, bytes, { media })

describe('a run of a training', () => {
  it('gives each output its part, and says what was trained', async () => {
    const board = new MemoryBoard()
    const two = madeUp('two', 80, 2)
    const sealed = [await table(board, 'one', ONE.bytes), await table(board, 'two', two.bytes)]
    const task: TrainTask = {
      ...LOGISTIC,
      validation: { splitNanos: 300_000_000 },
      metrics: ['auc'],
      predict: { table: 'two', key: 'who' },
      show: 'loss',
    }
    const shown: unknown[] = []
    const { outputs, steps } = await compute(task, sealed, board, {
      inputs: [tableInput('one'), tableInput('two')],
      outputs: [
        outputOf('model'),
        outputOf('copy', { part: 'model' }),
        outputOf('figures', { part: 'metrics' }),
        outputOf('list', { part: 'predictions' }),
      ],
      onProgress: (...progress) => void shown.push(progress),
    })
    const bytesOf = new Map(outputs.map(({ output, bytes }) => [output, Buffer.from(bytes)]))
    expect([...bytesOf.keys()]).toEqual(['model', 'copy', 'figures', 'list'])
    expect(bytesOf.get('copy')!.equals(bytesOf.get('model')!)).toBe(true)
    expect(parseOnnx(bytesOf.get('model')!).inputs).toHaveLength(3)
    expect(parseMetrics(bytesOf.get('figures')!).metrics[0]!.valueMicros).toBeGreaterThan(850_000)
    expect(bytesOf.get('list')!.toString().trim().split('\r\n')).toHaveLength(81)
    expect(steps).toMatchObject([
      {
        transform: 'fit',
        kind: 'train',
        training: { steps: 60, graph: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ])
    expect(steps[0]!.training).not.toHaveProperty('epsilonMicros')
    expect(shown.at(-1)).toEqual(['fit', 60, 60, expect.any(Number)])
  })

  it('follows from its secret, which is overwritten and drawn where none is given, and names its guarantee', async () => {
    const board = new MemoryBoard()
    const sealed = [await table(board, 'one', ONE.bytes)]
    const secrets = [7, 7].map((byte) => new Uint8Array(32).fill(byte))
    const models: Buffer[] = []
    for (const secret of [...secrets, undefined]) {
      const { outputs, steps } = await compute(PRIVATE, sealed, board, { ...(secret && { secret }) })
      models.push(Buffer.from(outputs[0]!.bytes))
      expect(steps[0]!.training).toMatchObject({ epsilonMicros: 20_000_000, deltaTrillionths: 10_000_000 })
    }
    expect(models[1]!.equals(models[0]!)).toBe(true)
    expect(models[2]!.equals(models[0]!)).toBe(false)
    expect(secrets.every((secret) => secret.every((byte) => byte === 0))).toBe(true)
  })

  it('is refused a table that is written in another way, and an output that is too large', async () => {
    const board = new MemoryBoard()
    await expect(
      compute(LOGISTIC, [await table(board, 'one', ONE.bytes, 'parquet')], board),
    ).rejects.toMatchObject({ code: 'ROOM_TASK', expected: 'csv, jsonl', found: 'parquet' })
    const outputs = [outputOf('model', { maxBytes: 10 })]
    await expect(
      compute(LOGISTIC, [await table(board, 'one', ONE.bytes)], board, { outputs }),
    ).rejects.toMatchObject({ code: 'ROOM_TRAIN_TOO_LARGE' })
  })
})

describe('a run that trains a graph of a party', () => {
  const graph = encodeOnnx(mlpForward({ sizes: [MADE_UP_WIDTH, 4, 1], activation: 'relu', seed: 3 }))
  const files = [
    {
      name: 'net.onnx',
      sha256: createHash('sha256').update(graph).digest('hex'),
      size: graph.length,
      role: 'weights',
    } as const,
  ]
  const bare = { format: 'sotto-model/1', id: 'bank/net', task: 'tensors', engine: 'onnx', files } as const
  const model = { ...bare, digest: modelDigest(bare) }
  const recipe = { kind: 'graph', model: 'net', digest: model.digest, output: 'y' } as const
  const inputs = [tableInput('one'), tableInput('net', { kind: 'model' })]

  async function fit(content: Uint8Array, manifest: object = model): Promise<ComputedRun> {
    const board = new MemoryBoard()
    const net = await sealInput(board, { name: 'net', kind: 'model' }, content, {
      media: 'model',
      model: JSON.stringify(manifest),
    })
    const sealed = [await table(board, 'one', ONE.bytes), net]
    return compute({ ...LOGISTIC, recipe }, sealed, board, { inputs })
  }

  it('names it, and gives it with other weights', async () => {
    const { models, outputs } = await fit(graph)
    expect([...models]).toEqual([['net', model.digest]])
    const trained = parseOnnx(outputs[0]!.bytes)
    expect(trained.nodes.filter(({ op }) => op === 'Gemm' || op === 'Relu')).toHaveLength(3)
    expect(digestOf(outputs[0]!.bytes)).not.toBe(digestOf(graph))
  })

  it('is refused another graph, and files that are not those of its manifest', async () => {
    const other = { ...bare, files: [{ ...files[0]!, name: 'other.onnx' }] }
    const changed = concat(graph.slice(0, -1), Uint8Array.of(graph.at(-1)! ^ 1))
    await expect(fit(graph, { ...other, digest: modelDigest(other) })).rejects.toMatchObject({
      code: 'ROOM_INPUT',
      expected: model.digest,
    })
    await expect(fit(changed)).rejects.toMatchObject({ code: 'ROOM_INPUT', expected: files[0]!.sha256 })
  })
})
