import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import {
  type ArtifactKey,
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
  governance: { ...EMPTY_STATE.governance, lastHolds: { a: 1 } },
  proposals: new Map(),
  contracts: new Map([
    [
      '77'.repeat(32),
      {
        digest: '77'.repeat(32),
        contract: { title: 'held' } as never,
        accepted: [{ party: 'bank', envelope: '{}' }],
        closed: [],
        withdrawn: [],
        data: {},
        ledger: [{ input: 'a', transform: 'b', runs: 1, epsilonMicros: 0 }],
        runs: 1,
        open: [],
      },
    ],
  ]),
  endedContracts: new Map([['88'.repeat(32), 4_000_000_000]]),
  contractEvents: ['{}'],
  identity: {
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
    [
      'ab',
      {
        id: 'ab',
        owner: 'o',
        policy: '33'.repeat(32),
        contentKey: new Uint8Array(32),
        importedAt: 7,
        models: [{ name: 'm', version: 1, importedAt: 7 }],
      },
    ],
  ]),
  owners: [{ name: 'o', key: 'o', artifacts: 2 }],
  ownerPolicies: new Map([
    ['55'.repeat(32), { version: 1, genesis: '', anyOf: [], evidenceMaxAgeSeconds: 1, createdAt: 1 }],
  ]),
  removedModels: new Map([['o', [{ name: 'm', version: 2, createdAt: 8, importKey: 'ee'.repeat(16) }]]]),
  removed: new Map([['o', [{ id: 'cd', importKey: 'ef' }]]]),
}

test(
  claim('T4', 'a state comes back as it was, but for its private request keys: no record holds one'),
  () => {
    expect(fromRecords(toRecords(FULL))).toEqual({ ...FULL, keys: new Map() })
    expect(fromRecords(toRecords(EMPTY_STATE))).toEqual(EMPTY_STATE)
  },
)

test('a record nobody knows is refused', () => {
  expect(() => fromRecords([{ table: 'state', key: 'toString', value: new Uint8Array() }])).toThrowError(
    expect.objectContaining({ code: 'KMS_STORE_TAMPERED' }),
  )
})

test('a store of the version before is read, and one of a later version is left alone', () => {
  const records = toRecords(FULL)
  const format = records.find(({ key }) => key === 'format')!
  expect(fromRecords(records.filter((record) => record !== format))).toEqual({ ...FULL, keys: new Map() })
  for (const value of ['6', '0', 'null', '"2"'])
    expect(() => fromRecords([{ ...format, value: new TextEncoder().encode(value) }])).toThrowError(
      expect.objectContaining({ code: 'KMS_STORE_NEWER', action: 'fix-input' }),
    )
})

test('of an artifact in a store before format 3, any import is newer, and its id alone removes it', () => {
  const { importedAt: _, models: __, ...before } = [...FULL.artifacts.values()][0]!
  const old = toRecords({ ...FULL, artifacts: new Map([['ab', before as ArtifactKey]]) }).map((record) =>
    record.key === 'format' ? { ...record, value: new TextEncoder().encode('2') } : record,
  )
  expect(fromRecords(old).artifacts.get('ab')).toEqual({ ...before, importedAt: 0, models: [] })
})

test('what is read is written as it was: a start is no change', () => {
  expect(toRecords(fromRecords(toRecords(FULL)))).toEqual(toRecords(FULL))
})

test('only what differs is written', async () => {
  const store = new MemoryStore()
  const keeper = await StateKeeper.open(store)
  await keeper.transition(() => FULL)
  expect(store.commits).toBe(1)
  await keeper.transition((state) => ({ ...state }))
  expect(store.commits).toBe(1)
  await keeper.transition((state) => ({ ...state, keys: new Map() }))
  expect(store.commits).toBe(1)
  expect((await StateKeeper.open(store)).current).toEqual({
    ...FULL,
    keys: new Map(),
    anchor: expect.objectContaining({ sequence: 1 }) as object,
  })
})

test(
  claim('T4', 'request keys that an earlier version stored are not read, and erased by the first write'),
  async () => {
    const store = new MemoryStore()
    await store.commit([{ table: 'key', key: '7', value: new TextEncoder().encode('{"privateKey":"AAAA"}') }])
    const keeper = await StateKeeper.open(store)
    expect(keeper.current.keys.size).toBe(0)
    await keeper.transition((state) => ({ ...state, policy: '44'.repeat(32) }))
    expect([...store.records.keys()].filter((name) => name.startsWith('key'))).toEqual([])
  },
)

test('keys another KMS handed over are held when a stored set names them', async () => {
  const store = new MemoryStore()
  const epoch = { number: 1, digest: '', statement: { envelope: '{}' }, signer: 's', keyIds: [7] }
  await (await StateKeeper.open(store)).transition(() => ({ ...FULL, epoch }))
  const { current } = await StateKeeper.open(store, [KEY, { ...KEY, keyId: 8 }])
  expect([...current.keys.keys()]).toEqual([7])
})

test.each(['not-persisted', 'reported-failed'] as const)(
  'after a commit that was %s the keys in memory are those of the truth',
  async (fault) => {
    const store = new MemoryStore()
    const keeper = await StateKeeper.open(store)
    store.fault = () => fault
    await expect(keeper.transition(() => FULL)).rejects.toThrow('the store failed')
    expect(keeper.current.keys.size).toBe(0)
    store.fault = () => undefined
    await keeper.settle()
    expect([...keeper.current.keys.values()]).toEqual(fault === 'reported-failed' ? [KEY] : [])
  },
)

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

test(
  claim('T11', 'an old copy that is put back while a commit fails is not taken for the state before it'),
  async () => {
    const store = new MemoryStore()
    const keeper = await StateKeeper.open(store)
    await keeper.transition(() => FULL)
    const old = new Map(store.records)
    const held = { ...FULL.governance, lastHolds: { a: 1, b: 2 } }
    await keeper.transition((state) => ({ ...state, governance: held }))
    store.fault = () => 'not-persisted'
    await expect(keeper.transition((state) => ({ ...state, policies: new Map() }))).rejects.toThrow()
    store.fault = () => undefined
    store.records.clear()
    for (const [name, record] of old) store.records.set(name, record)
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(keeper.transition((state) => state)).rejects.toMatchObject({
        code: 'KMS_STORE_TAMPERED',
        action: 'stop',
      })
    }
    expect(keeper.current.governance).toEqual(held)
  },
)

test('a transition that throws changes nothing', async () => {
  const keeper = await StateKeeper.open(new MemoryStore())
  await expect(
    keeper.transition(() => {
      throw new RangeError('no')
    }),
  ).rejects.toThrow('no')
  expect(keeper.current).toEqual(EMPTY_STATE)
})
