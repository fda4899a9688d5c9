import { expect, test } from 'vitest'
import {
  EMPTY_STATE,
  fromRecords,
  type KmsState,
  type RequestKey,
  StateKeeper,
  toRecords,
} from '../../src/state/index.ts'
import { MemoryStore } from '../store/memory.ts'

const KEY: RequestKey = {
  keyId: 7,
  kem: 'X25519',
  config: 'AA',
  policy: '00'.repeat(32),
  notBefore: 1,
  notAfter: 2,
  destroyAt: 3,
  privateKey: new Uint8Array([1, 2, 3]),
}
const FULL: KmsState = {
  identity: {
    rootSeed: new Uint8Array(32).fill(9),
    genesis: { envelope: '{}', index: 4 },
    digest: '11'.repeat(32),
  },
  seen: { size: 5, root: '22'.repeat(32), scanned: 3 },
  keyIds: { next: 8, busyUntil: { 7: 100 } },
  keys: new Map([[7, KEY]]),
  statementKeys: ['a'],
  policy: '33'.repeat(32),
  policies: new Map([
    [
      '33'.repeat(32),
      {
        digest: '33'.repeat(32),
        statement: { envelope: '{}', index: 1 },
        document: { version: 1, genesis: '', anyOf: [], evidenceMaxAgeSeconds: 1, createdAt: 1 },
        releases: [],
      },
    ],
  ]),
  artifacts: new Map([
    ['ab', { id: 'ab', owner: 'o', policy: '33'.repeat(32), contentKey: new Uint8Array(32) }],
  ]),
}

test('a state comes back as it was', () => {
  expect(fromRecords(toRecords(FULL))).toEqual(FULL)
  expect(fromRecords(toRecords(EMPTY_STATE))).toEqual(EMPTY_STATE)
})

test('a record nobody knows is refused', () => {
  expect(() => fromRecords([{ table: 'state', key: 'toString', value: new Uint8Array() }])).toThrowError(
    expect.objectContaining({ code: 'KMS_STORE_TAMPERED' }),
  )
})

test('only what differs is written; a key that goes is removed', async () => {
  const store = new MemoryStore()
  const keeper = await StateKeeper.open(store)
  await keeper.transition(() => FULL)
  expect(store.commits).toBe(1)
  await keeper.transition((state) => ({ ...state }))
  expect(store.commits).toBe(1)
  await keeper.transition((state) => ({ ...state, keys: new Map() }))
  expect([...store.records.keys()].some((name) => name.startsWith('key'))).toBe(false)
  expect((await StateKeeper.open(store)).current).toEqual({ ...FULL, keys: new Map() })
})

test.each([
  ['not-persisted', 0],
  ['reported-failed', 1],
] as const)('after a commit that was %s the truth comes from the store', async (fault, expected) => {
  const store = new MemoryStore()
  const keeper = await StateKeeper.open(store)
  store.fault = () => fault
  const more = (state: KmsState): KmsState => ({
    ...state,
    keyIds: { ...state.keyIds, next: state.keyIds.next + 1 },
  })
  await expect(keeper.transition(more)).rejects.toThrow('the store failed')
  store.fault = () => undefined
  await keeper.settle()
  expect(keeper.current.keyIds.next).toBe(expected)
  expect((await keeper.transition(more)).keyIds.next).toBe(expected + 1)
})

test('a transition that throws changes nothing', async () => {
  const keeper = await StateKeeper.open(new MemoryStore())
  await expect(
    keeper.transition(() => {
      throw new RangeError('no')
    }),
  ).rejects.toThrow('no')
  expect(keeper.current).toEqual(EMPTY_STATE)
})
