import { describe, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { auditStore } from '../../src/log/audit.ts'
import { EMPTY_FRONTIER } from '../../src/log/frontier.ts'
import { createSequencer, type Sequencer } from '../../src/log/sequencer.ts'
import type { LogStore } from '../../src/log/store.ts'
import { edgeError } from '../../src/errors.ts'
import { createMemoryStore } from './memory-store.ts'

type Fault = 'not persisted' | 'persisted but reported failed'

/** A store whose next append goes wrong, in one of the two ways a write can. */
function faulty(): { store: LogStore; failNext: (fault: Fault) => void; appends: number[] } {
  const inner = createMemoryStore()
  const appends: number[] = []
  let next: Fault | undefined
  const store: LogStore = {
    ...inner,
    append(record) {
      const fault = next
      next = undefined
      if (fault !== 'not persisted') {
        inner.append(record)
        appends.push(record.entries.length)
      }
      if (fault !== undefined) throw edgeError('LOG_STORE_FAILED', 'disk trouble')
    },
  }
  return { store, appends, failNext: (fault) => void (next = fault) }
}

function sequence(
  store: LogStore,
  options: { batchMs?: number; maxWaiting?: number; onGrown?: () => void } = {},
): Sequencer {
  return createSequencer({
    store,
    frontier: EMPTY_FRONTIER,
    batchMs: 0,
    maxWaiting: 100,
    onGrown: () => {},
    ...options,
  })
}

test('entries get consecutive places in one write, and the same bytes the same place', async () => {
  const { store, appends } = faulty()
  let grown = 0
  const sequencer = sequence(store, { batchMs: 5, onGrown: () => grown++ })
  const indexes = await Promise.all(['a', 'b', 'a', 'c', 'b'].map((text) => sequencer.add(utf8(text))))
  expect(indexes).toEqual([0, 1, 0, 2, 1])
  expect([appends, grown, sequencer.frontier.size]).toEqual([[3], 1, 3])
  expect(await sequencer.add(utf8('c'))).toBe(2)
  expect(appends).toEqual([3])
})

test('a large burst is written one tile at a time', async () => {
  const { store, appends } = faulty()
  const sequencer = sequence(store, { maxWaiting: 1000 })
  await Promise.all(Array.from({ length: 600 }, (_, index) => sequencer.add(utf8(`${index}`))))
  expect(appends).toEqual([256, 256, 88])
})

test('more entries than may wait are refused at once', async () => {
  const { store } = faulty()
  const sequencer = sequence(store, { maxWaiting: 2, batchMs: 5 })
  const added = Promise.all([sequencer.add(utf8('a')), sequencer.add(utf8('b'))])
  await expect(sequencer.add(utf8('c'))).rejects.toMatchObject({ code: 'LOG_BUSY', action: 'retry' })
  expect(await added).toEqual([0, 1])
})

describe.each<[Fault, number]>([
  ['not persisted', 1],
  ['persisted but reported failed', 2],
])('a write that is %s', (fault, sizeAfterNext) => {
  test('fails the append, and the same entry can be appended again, once', async () => {
    const { store, failNext } = faulty()
    const sequencer = sequence(store)
    failNext(fault)
    await expect(sequencer.add(utf8('a'))).rejects.toMatchObject({
      code: 'LOG_STORE_FAILED',
      action: 'retry',
    })
    expect(await sequencer.add(utf8('a'))).toBe(0)
    expect(store.readTree().size).toBe(1)
    expect(auditStore(store, 0).frontier).toEqual(sequencer.frontier)
  })

  test('makes progress with another entry, on the tree the store really holds', async () => {
    const { store, failNext } = faulty()
    const sequencer = sequence(store)
    failNext(fault)
    await expect(sequencer.add(utf8('a'))).rejects.toMatchObject({ code: 'LOG_STORE_FAILED' })
    expect(await sequencer.add(utf8('b'))).toBe(sizeAfterNext - 1)
    expect(store.readTree().size).toBe(sizeAfterNext)
    expect(auditStore(store, 0).frontier).toEqual(sequencer.frontier)
  })

  test('twice in a row still ends in one consistent tree', async () => {
    const { store, failNext } = faulty()
    const sequencer = sequence(store)
    for (const text of ['a', 'b']) {
      failNext(fault)
      await expect(sequencer.add(utf8(text))).rejects.toMatchObject({ code: 'LOG_STORE_FAILED' })
    }
    const indexes = [await sequencer.add(utf8('a')), await sequencer.add(utf8('b'))]
    expect(indexes).toEqual([0, 1])
    expect(auditStore(store, 0).frontier).toEqual(sequencer.frontier)
  })
})

test('a tree that somebody else wrote is a fatal stop: nothing is appended to it', async () => {
  const { store, failNext } = faulty()
  const sequencer = sequence(store)
  failNext('not persisted')
  await expect(sequencer.add(utf8('a'))).rejects.toMatchObject({ code: 'LOG_STORE_FAILED' })
  const intruder = sequence(store)
  await intruder.add(utf8('x'))
  await expect(sequencer.add(utf8('b'))).rejects.toMatchObject({ code: 'STORE_CORRUPT', action: 'stop' })
  await expect(sequencer.add(utf8('c'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  expect(store.readTree().size).toBe(1)
})
