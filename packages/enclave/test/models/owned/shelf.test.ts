import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Hold } from '../../../src/models/owned/lease.ts'
import { Shelf, type ShelfLimits } from '../../../src/models/owned/shelf.ts'

const LIMITS: ShelfLimits = { maxBytes: 100, maxModels: 3, maxPerOwner: 2, idleSeconds: 600 }
const GRACE = 5000

/** A shelf of names, with a clock that only the test moves. */
class Shelves {
  now = 0
  readonly shelf: Shelf<string>
  readonly holds = new Map<string, Hold>()
  loads: string[] = []
  closed: string[] = []
  /** Which load of a key its hold is of, and which loads were closed: one key may be loaded again while it is used. */
  readonly held = new Map<string, number>()
  readonly closedLoads = new Set<number>()
  /** Bytes of what has been loaded and not closed, and the most there ever were. */
  memory = 0
  most = 0
  /** Loads that wait until they are let go. */
  gate: Promise<void> = Promise.resolve()

  constructor(limits: Partial<ShelfLimits> = {}) {
    this.shelf = new Shelf({ ...LIMITS, ...limits }, () => this.now)
  }

  /** After the moment in which whoever got another one may not have begun to use it. */
  get(key: string, bytes = 10, isPinned = false, claimed = bytes): Promise<string> {
    this.now += GRACE
    return this.shelf.get({
      key,
      owner: key[0]!,
      bytes,
      isPinned,
      load: async (hold, claim) => {
        const load = this.loads.push(key)
        await this.gate
        if (claimed !== bytes) await claim(claimed)
        this.holds.set(key, hold)
        this.held.set(key, load)
        this.memory += claimed
        this.most = Math.max(this.most, this.memory)
        return {
          value: key,
          close: async () => {
            this.closed.push(key)
            this.closedLoads.add(load)
            await new Promise((resolve) => setImmediate(resolve))
            this.memory -= claimed
          },
        }
      },
    })
  }
}

const refused = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code: string }) => error.code,
  )

test('the one that was used longest ago makes room', async () => {
  const { shelf, state, get } = shelves()
  for (const key of ['a1', 'b1', 'c1', 'a1', 'd1']) await get(key)
  expect(shelf.keys.toSorted()).toEqual(['a1', 'c1', 'd1'])
  expect(state.closed).toEqual(['b1'])
  expect(state.loads).toEqual(['a1', 'b1', 'c1', 'd1'])
})

test('none is put away in use, pinned, still loading, or just given to somebody', async () => {
  const { get, state } = shelves()
  await get('a1', 10, true)
  await get('b1')
  const release = state.holds.get('b1')!()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.gate = promise
  const loading = get('c1')
  expect(await refused(get('d1'))).toBe('OWNED_MODEL_BUSY')
  expect(state.closed).toEqual([])
  resolve()
  await loading
  state.now -= GRACE
  expect(await refused(get('d1')), 'c1 was given a moment ago').toBe('OWNED_MODEL_BUSY')
  release()
  await get('d1')
  expect(state.closed, 'once nobody uses it').toEqual(['b1'])
})

test('bytes are counted together; what can never fit is said so, and puts nothing away', async () => {
  const { get, state } = shelves()
  await get('a1', 60)
  await get('b1', 30)
  expect(await refused(get('c1', 101))).toBe('OWNED_MODEL_TOO_LARGE')
  expect(state.closed).toEqual([])
  await get('c1', 50)
  expect(state.closed).toEqual(['a1'])
})

test('an owner with all its places makes room among its own', async () => {
  const { get, state } = shelves({ maxModels: 8 })
  for (const key of ['b1', 'a1', 'a2', 'a3']) await get(key)
  expect(state.closed).toEqual(['a1'])
  state.holds.get('a2')!()
  state.holds.get('a3')!()
  expect(await refused(get('a4'))).toBe('OWNED_MODEL_BUSY')
  expect(await refused(get('c1'))).toBe('none')
})

test('what nobody used for a while is put away', async () => {
  const { get, state, shelf } = shelves()
  await get('a1')
  await get('b1', 10, true)
  state.now += 600_001
  await get('c1')
  shelf.sweep()
  expect(state.closed).toEqual(['a1'])
})

test('a load that fails leaves no place taken, and is tried again by the next who asks', async () => {
  const { get, state } = shelves()
  state.gate = Promise.reject(Object.assign(new Error('no'), { code: 'SEALED_TAMPERED' }))
  expect(await refused(get('a1'))).toBe('SEALED_TAMPERED')
  state.gate = Promise.resolve()
  expect(await get('a1')).toBe('a1')
})

test('one that ends while it loads is put away as soon as it is there', async () => {
  const { get, state, shelf } = shelves()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.gate = promise
  const asked = refused(get('a1'))
  shelf.end('a1', Object.assign(new Error('removed'), { code: 'OWNED_MODEL_ENDED' }))
  resolve()
  expect(await asked).toBe('OWNED_MODEL_ENDED')
  expect(state.closed).toEqual(['a1'])
})

test('what has ended takes its memory until the last use of it is over', async () => {
  const { get, state, shelf } = shelves()
  await get('a1', 60)
  const release = state.holds.get('a1')!()
  shelf.end('a1', new Error('removed'))
  expect(shelf.keys).toEqual([])
  // The next version of it, or anything else: there is no room for both.
  expect(await refused(get('a2', 60))).toBe('OWNED_MODEL_BUSY')
  expect(await refused(get('b1', 30))).toBe('none')
  release()
  expect(state.closed).toEqual(['a1'])
  expect(await refused(get('a2', 60))).toBe('none')
  expect(state.most, 'the one that was closed was gone first').toBe(90)
})

test('what has ended takes its place among all models and among those of its owner', async () => {
  const { get, state, shelf } = shelves()
  for (const key of ['a1', 'a2']) {
    await get(key)
    state.holds.get(key)!()
    shelf.end(key, new Error('removed'))
  }
  expect(await refused(get('a3'))).toBe('OWNED_MODEL_BUSY')
  await get('b1')
  state.holds.get('b1')!()
  expect(await refused(get('c1'))).toBe('OWNED_MODEL_BUSY')
})

test('what ends while it loads takes its memory until it is there and closed', async () => {
  const { get, state, shelf } = shelves()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.gate = promise
  const asked = refused(get('a1', 60))
  shelf.end('a1', Object.assign(new Error('removed'), { code: 'OWNED_MODEL_ENDED' }))
  expect(await refused(get('b1', 60))).toBe('OWNED_MODEL_BUSY')
  resolve()
  expect(await asked).toBe('OWNED_MODEL_ENDED')
  state.gate = Promise.resolve()
  expect(await refused(get('b1', 60))).toBe('none')
  expect(state.most).toBe(60)
  // And nothing where it fails instead.
  state.gate = Promise.reject(Object.assign(new Error('no'), { code: 'SEALED_TAMPERED' }))
  const failing = refused(get('c1', 30))
  shelf.end('c1', new Error('removed'))
  expect(await failing).toBe('SEALED_TAMPERED')
  state.gate = Promise.resolve()
  expect(await refused(get('c2', 40))).toBe('none')
})

test('one that turns out to take more makes room for all of it, or is refused', async () => {
  const { get, state } = shelves({ maxModels: 8 })
  await get('a1', 40)
  await get('b1', 40)
  expect(await refused(get('c1', 10, false, 55))).toBe('none')
  expect([state.closed, state.most], 'before it takes any').toEqual([['a1'], 95])
  state.holds.get('b1')!()
  state.holds.get('c1')!()
  expect(await refused(get('d1', 1, false, 10))).toBe('OWNED_MODEL_BUSY')
  expect(await refused(get('d1', 1, false, 101))).toBe('OWNED_MODEL_TOO_LARGE')
  // Neither has taken a place.
  expect(await refused(get('d1', 5))).toBe('none')
})

test('closing closes also what has ended and is still in use', async () => {
  const { get, state, shelf } = shelves()
  await get('a1')
  state.holds.get('a1')!()
  shelf.end('a1', new Error('removed'))
  await get('b1')
  await shelf.close()
  expect(state.closed.toSorted()).toEqual(['a1', 'b1'])
  expect(state.memory).toBe(0)
})

test('whatever happens, limits hold and nothing in use is closed', async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('get' as const),
      key: fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'c1', 'd1'),
      bytes: fc.integer({ min: 1, max: 60 }),
      more: fc.integer({ min: 0, max: 60 }),
    }),
    fc.record({
      do: fc.constantFrom('use' as const, 'release' as const, 'end' as const),
      key: fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'c1', 'd1'),
    }),
    fc.record({
      do: fc.constant('rest' as const),
      key: fc.constant(''),
      ms: fc.integer({ min: 0, max: 700_000 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { get, state, shelf } = shelves()
      const inUse: { key: string; release: () => void; load: number }[] = []
      for (const one of steps) {
        if (one.do === 'get')
          await get(one.key, one.bytes, false, one.bytes + one.more).catch(() => undefined)
        if (one.do === 'rest') {
          state.now += one.ms
          shelf.sweep()
        }
        if (one.do === 'end') shelf.end(one.key, new Error('ended'))
        if (one.do === 'use' && shelf.keys.includes(one.key))
          inUse.push({
            key: one.key,
            release: state.holds.get(one.key)!(),
            load: state.held.get(one.key)!,
          })
        if (one.do === 'release')
          inUse.splice(inUse.findIndex(({ key }) => key === one.key) >>> 0, 1)[0]?.release()
        expect(state.most).toBeLessThanOrEqual(LIMITS.maxBytes)
        expect(shelf.keys.length).toBeLessThanOrEqual(LIMITS.maxModels)
        for (const letter of 'abcd')
          expect(shelf.keys.filter((key) => key.startsWith(letter)).length).toBeLessThanOrEqual(
            LIMITS.maxPerOwner,
          )
        for (const { key, load } of inUse) expect(state.closedLoads.has(load), `${key} is in use`).toBe(false)
      }
    }),
    { numRuns: process.env['SLOW'] === '1' ? 500 : 60 },
  )
})

function shelves(limits: Partial<ShelfLimits> = {}) {
  const state = new Shelves(limits)
  return { state, shelf: state.shelf, get: state.get.bind(state) }
}
