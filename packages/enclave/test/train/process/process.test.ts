import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseMetrics } from '@sotto/protocol/training'
import { afterAll, describe, expect, it } from 'vitest'
import type { TrainTask } from '@sotto/protocol/contract'
import { withMemoryLimit } from '../../../src/engines/host/memory-limit.ts'
import { probeSandbox } from '../../../src/engines/host/sandbox.ts'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import type { TableSource } from '../../../src/train/index.ts'
import {
  type ProcessRun,
  trainInProcess,
  type TrainEngine,
  type TrainTable,
} from '../../../src/train/process/index.ts'
import { runTraining, type TrainingProgress } from '../../../src/train/task/index.ts'
import { ramFile } from '../../room/sql/engine.ts'
import { BOOSTED, LOGISTIC, NO_LABEL, ONE, PRIVATE, SECRET } from './tasks.ts'

const emptyDirectory = makeEmptyDirectory()
const entry = fileURLToPath(new URL('../../../src/train/process/worker.ts', import.meta.url))
const ENGINE: TrainEngine = { entry, emptyDirectory }

const open: number[] = []
afterAll(() => open.forEach((fd) => closeSync(fd)))

function tableOf({ bytes, ...rest }: TableSource): TrainTable {
  const fd = ramFile(bytes)
  open.push(fd)
  return { ...rest, fd, bytes: bytes.length }
}

function runOf(over: Partial<ProcessRun> = {}): ProcessRun {
  return {
    task: LOGISTIC,
    tables: [tableOf(ONE)],
    graph: [],
    parts: new Map([['model', 1_000_000]]),
    threads: 1,
    secret: SECRET(),
    ...over,
  }
}

describe('the process of a training', () => {
  it('gives the very model that the same secret and data give here', async () => {
    const { parts, figures } = await trainInProcess(ENGINE, runOf())
    const here = await runTraining({
      task: LOGISTIC,
      tables: new Map([['one', ONE]]),
      parts: new Map([['model', 1_000_000]]),
      secret: SECRET(),
    })
    expect(figures).toEqual(here.figures)
    expect(Buffer.from(parts.get('model')!).equals(here.parts.get('model')!)).toBe(true)
  })

  it('grows trees and measures them, within a limit of memory', async () => {
    const prefix = withMemoryLimit(2 * 2 ** 30)
    const task = {
      ...BOOSTED,
      validation: { splitNanos: 250_000_000 },
      metrics: ['accuracy' as const, 'auc' as const],
    }
    const { parts, figures } = await trainInProcess(
      { ...ENGINE, prefix },
      runOf({ task, parts: new Map([['metrics', 10_000]]) }),
    )
    expect([...parts.keys()]).toEqual(['metrics'])
    expect(figures).toEqual({ steps: 8, reason: 'steps' })
    const { metrics } = parseMetrics(parts.get('metrics')!)
    expect(metrics.map(({ metric }) => metric)).toEqual(['accuracy', 'auc'])
    expect(metrics[1]!.valueMicros).toBeGreaterThan(800_000)
  })

  it('is refused a table by table and column, and in no word of the file', async () => {
    const asked = trainInProcess(ENGINE, runOf({ tables: [tableOf(NO_LABEL)] }))
    await expect(asked).rejects.toMatchObject({
      code: 'ROOM_TRAIN_COLUMN',
      message: 'a table lacks a column, or has one that is not agreed, table one, column bad',
    })
  })

  it('trains with a guarantee, in the sandbox of engines, and shows steps alone', async (context) => {
    const uid = 63_502
    const sandbox = await probeSandbox({ entry, uid, emptyDirectory })
    if (process.getuid!() !== 0) context.skip('only root can give it a uid of its own')
    expect(sandbox.report).toMatchObject({ uid: 'own', network: 'none', noNewPrivs: true })
    const prefix = [...withMemoryLimit(2 * 2 ** 30), ...sandbox.prefix(uid, emptyDirectory)]
    const shown: object[] = []
    const run = runOf({ task: PRIVATE, onProgress: (progress) => void shown.push(progress) })
    const { parts, figures } = await trainInProcess({ ...ENGINE, prefix }, run)
    expect(figures).toEqual({ steps: 60, reason: 'steps', graph: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(parts.get('model')!.length).toBeGreaterThan(100)
    expect(shown.at(-1)).toEqual({ done: 60, of: 60 })
  })
})

describe('a training that goes on', () => {
  const { descent } = LOGISTIC
  const task: TrainTask = { ...LOGISTIC, descent: { ...descent!, steps: 5_000_000 }, show: 'loss' }

  it('shows how far it is, and is gone when the caller cancels', async () => {
    const controller = new AbortController()
    const shown: TrainingProgress[] = []
    const run = runOf({
      task,
      signal: controller.signal,
      onProgress: (progress) => {
        shown.push(progress)
        if (shown.length === 3) controller.abort()
      },
    })
    await expect(trainInProcess(ENGINE, run)).rejects.toMatchObject({ code: 'ROOM_TRAIN_CANCELLED' })
    expect(shown.map(({ of }) => of)).toEqual([5_000_000, 5_000_000, 5_000_000])
    expect(shown[2]!.done).toBeGreaterThan(shown[0]!.done)
    expect(shown[2]!.lossMicros).toBeGreaterThan(0)
  })

  it('is killed when its time is over', async () => {
    const limits = { ...task.limits, seconds: 1 }
    await expect(trainInProcess(ENGINE, runOf({ task: { ...task, limits } }))).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TIMEOUT',
      expected: 'at most 1000 ms',
    })
  })
})

describe('a process that has too little memory', () => {
  it('says so', async () => {
    const prefix = withMemoryLimit(2 ** 30)
    const tables = [{ ...tableOf(ONE), bytes: 3 * 2 ** 30 }]
    await expect(trainInProcess({ ...ENGINE, prefix }, runOf({ tables }))).rejects.toMatchObject({
      code: 'ROOM_TRAIN_MEMORY',
    })
  })

  it('is told by how it ended', async () => {
    const heap = ['--max-old-space-size=20']
    const rows = Array.from({ length: 400_000 }, (_, at) => `${at},1,${'x'.repeat(9)}${at},w${at},true\n`)
    const table = { ...ONE, bytes: Buffer.from(`age,sum,kind,who,bad\n${rows.join('')}`) }
    const run = runOf({ tables: [tableOf(table)] })
    await expect(trainInProcess({ ...ENGINE, flags: heap }, run)).rejects.toMatchObject({
      code: 'ROOM_TRAIN_MEMORY',
    })
  })
})
