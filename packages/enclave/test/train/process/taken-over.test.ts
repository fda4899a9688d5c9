import { fileURLToPath } from 'node:url'
import type { TrainRecipe } from '@sotto/protocol/contract'
import { checkpointDigest } from '@sotto/protocol/training'
import { describe, expect, it, vi } from 'vitest'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import { openState, type SealedCheckpoint, sealState } from '../../../src/train/checkpoint/seal.ts'
import {
  type ProcessRun,
  trainInProcess,
  type TrainEngine,
  tryTask,
} from '../../../src/train/process/index.ts'
import { LOGISTIC } from './tasks.ts'

const DIGEST = 'ab'.repeat(32)

type Said = readonly [kind: 0 | 1 | 'end', said: unknown]

/** A process that says what it is told to, for each question: messages, pieces, or a signal that ends it. */
function saying(answers: readonly (readonly Said[])[]): TrainEngine {
  const source = `
    import { Socket } from 'node:net'
    const socket = new Socket({ fd: 3, readable: true, writable: true })
    const answers = ${JSON.stringify(answers)}
    const send = ([kind, said]) => {
      if (kind === 'end') return process.kill(process.pid, said)
      const bytes = Buffer.from(kind === 0 ? JSON.stringify(said) : said)
      const head = Buffer.alloc(5); head.writeUInt32BE(bytes.length + 1); head[4] = kind
      socket.write(Buffer.concat([head, bytes]))
    }
    let seen = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk])
      for (let at; (at = seen.indexOf('"ask":')) >= 0; ) {
        seen = seen.subarray(at + 6)
        for (const said of answers.shift() ?? []) send(said)
      }
    })`
  return {
    entry: '-',
    flags: ['--import', `data:text/javascript,${encodeURIComponent(source)}`],
    emptyDirectory: makeEmptyDirectory(),
  }
}

const RUN: ProcessRun = {
  task: LOGISTIC,
  tables: [],
  graph: [],
  parts: new Map([['model', 8]]),
  threads: 1,
  secret: new Uint8Array(32),
}
const STANDS = { say: 'stands', done: 3, of: 60 }
const ENDED = [0, { say: 'stands', done: 60, of: 60, ended: { reason: 'steps', graph: DIGEST } }] as const

describe('what a process says', () => {
  it('is taken as far as its protocol goes', async () => {
    const shown: object[] = []
    const engine = saying([
      [[0, { ...STANDS, of: 123_456, lossMicros: 5 }]],
      [ENDED],
      [
        [1, 'weigh'],
        [1, 'ts'],
        [0, { say: 'gave' }],
      ],
    ])
    const { parts, figures } = await trainInProcess(engine, {
      ...RUN,
      onProgress: (progress) => void shown.push(progress),
    })
    expect(Buffer.from(parts.get('model')!).toString()).toBe('weights')
    expect(figures).toEqual({ steps: 60, reason: 'steps', graph: DIGEST })
    // The contract shows steps, and no loss: so many as it says.
    expect(shown).toEqual([
      { done: 3, of: 60 },
      { done: 60, of: 60 },
    ])
  })

  it.each([
    ['something else', [[0, { say: 'tried' }]]],
    ['what nobody knows', [[0, { say: 'done' }]]],
    ['nothing', [[0, null]]],
    ['that more is done than there is', [[0, { ...STANDS, done: 61 }]]],
    ['that more was done than the contract says', [[0, { ...ENDED[1], done: 61, of: 61 }]]],
    ['a part of a step', [[0, { ...STANDS, done: 0.5 }]]],
    ['a loss in words', [[0, { ...STANDS, lossMicros: 'secret' }]]],
    ['another end', [[0, { ...STANDS, ended: { reason: 'secret' } }]]],
    ['no end', [[0, { ...STANDS, ended: null }]]],
    ['a graph in words', [[0, { ...STANDS, ended: { reason: 'early', graph: 'secret' } }]]],
    ['a code of its own', [[0, { say: 'failed', code: 'SECRET' }]]],
    ['a piece before it was asked to', [[1, 'secret']]],
  ] as const)('is not believed when it is %s', async (_, answers) => {
    const asked = trainInProcess(saying([answers]), RUN)
    await expect(asked).rejects.toMatchObject({ code: 'ROOM_TRAIN_CRASHED' })
    await expect(asked).rejects.not.toThrow(/secret/i)
  })

  it('is no more than the contract takes', async () => {
    const engine = saying([[ENDED], [[1, 'more bytes than that']]])
    await expect(trainInProcess(engine, RUN)).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TOO_LARGE',
      expected: 'at most 8 bytes',
    })
  })

  it('of a state leaves sealed by the room, with the step at which it stands, and no figure of its own', async () => {
    const kept: SealedCheckpoint[] = []
    const engine = saying([
      [[0, STANDS]],
      [
        [1, 'all rows '],
        [1, 'of a table'],
        [0, { say: 'kept', state: { step: 3, digest: DIGEST } }],
      ],
      [ENDED],
      [
        [1, 'w'],
        [0, { say: 'gave' }],
      ],
    ])
    const checkpoints = { firstMs: 0, keep: async (one: SealedCheckpoint) => void kept.push(one) }
    await trainInProcess(engine, { ...RUN, checkpoints })
    await vi.waitFor(() => expect(kept).toHaveLength(1))
    const [{ step, digest, sealed }] = kept as [SealedCheckpoint]
    expect(step).toBe(3)
    expect(digest).not.toBe(DIGEST)
    // Nobody tells by it whether a guess is right.
    expect(digest).not.toBe(checkpointDigest(Buffer.from('all rows of a table')))
    expect(Buffer.from(sealed).includes('rows')).toBe(false)
    const { bytes } = await openState(RUN.secret, kept[0]!)
    expect(Buffer.from(bytes).toString()).toBe('all rows of a table')
  })

  it.each([
    ['of another step', { step: 4 }],
    ['of no step', {}],
  ])('is no state %s', async (_, state) => {
    const engine = saying([[[0, STANDS]], [[0, { say: 'kept', state }]]])
    const kept: SealedCheckpoint[] = []
    const checkpoints = { firstMs: 0, keep: async (one: SealedCheckpoint) => void kept.push(one) }
    await expect(trainInProcess(engine, { ...RUN, checkpoints })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_CRASHED',
    })
    expect(kept).toEqual([])
  })

  it('was told of no state that the room did not seal under this secret', async () => {
    const from = await sealState(new Uint8Array(32).fill(1), { step: 3, bytes: new Uint8Array(9) })
    const checkpoints = { firstMs: 1e6, keep: () => Promise.resolve(), from }
    await expect(trainInProcess(saying([[ENDED]]), { ...RUN, checkpoints })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_CHECKPOINT',
    })
  })

  it('of a failure is a code in our words, and names of the contract', async () => {
    const failed = {
      say: 'failed',
      code: 'ROOM_TRAIN_TYPE',
      table: 'secret',
      column: 'secret',
      fault: 'secret',
      message: 'secret',
    }
    const columns = [{ name: 'age', type: 'integer' }] as const
    const table = { name: 'one', fd: 0, bytes: 0, media: 'csv', columns } as const
    const messageOf = async (over: object): Promise<string> => {
      const asked = trainInProcess(saying([[[0, { ...failed, ...over }]]]), { ...RUN, tables: [table] })
      return asked.then(
        () => '',
        (error: Error) => error.message,
      )
    }
    const words = 'a column holds what is not of its type, or is of no use in its place'
    expect(await messageOf({})).toBe(words)
    expect(await messageOf({ table: 'one', column: 'age' })).toBe(`${words}, table one, column age`)
    expect(await messageOf({ column: 'age' })).toBe(`${words}, column age`)
  })
})

describe('a process that ends', () => {
  it.each([
    ['SIGKILL', 'ROOM_TRAIN_CRASHED', 'retry'],
    ['SIGTERM', 'ROOM_TRAIN_CRASHED', 'retry'],
    ['SIGABRT', 'ROOM_TRAIN_MEMORY', 'fix-input'],
  ])('by %s is %s', async (signal, code, action) => {
    await expect(trainInProcess(saying([[['end', signal]]]), RUN)).rejects.toMatchObject({ code, action })
  })

  it('before it began is ROOM_TRAIN_CRASHED', async () => {
    const engine = { entry: '/nonexistent.ts', emptyDirectory: makeEmptyDirectory() }
    await expect(tryTask(engine, LOGISTIC)).rejects.toMatchObject({ code: 'ROOM_TRAIN_CRASHED' })
  })
})

describe('a task that is tried', () => {
  const engine: TrainEngine = {
    entry: fileURLToPath(new URL('../../../src/train/process/worker.ts', import.meta.url)),
    emptyDirectory: makeEmptyDirectory(),
  }

  it('is taken, without data', async () => {
    await expect(tryTask(engine, LOGISTIC)).resolves.toBe(undefined)
  })

  it('is refused by name', async () => {
    const recipe: TrainRecipe = { kind: 'mlp', hidden: [8192, 8192], activation: 'relu' }
    await expect(tryTask(engine, { ...LOGISTIC, recipe })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TOO_LARGE',
    })
  })
})
