import { toHex } from '@sotto/protocol/bytes'
import { HANDOVER_RECEIPT_TYPE, type HandoverReceipt } from '@sotto/protocol/handover'
import { type KeySet, type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { MemoryStore } from '../store/memory.ts'
import { UpgradeWorld } from './upgrade-world.ts'

const receiptsOf = (world: UpgradeWorld): HandoverReceipt[] =>
  world.logged<HandoverReceipt>(HANDOVER_RECEIPT_TYPE).map(({ document }) => document)
const configsOf = (world: UpgradeWorld): string[] => world.keySet.keys.map(({ config }) => config)

test('an answer that is lost is asked for again: another receipt, one KMS', async () => {
  const world = await UpgradeWorld.create()
  const configs = configsOf(world)
  const { onAnswer } = world
  world.onAnswer = async (answer) => {
    const body = (await answer.clone().json()) as Record<string, unknown>
    if (body['wrapped'] !== undefined) throw new TypeError('the connection broke')
    return answer
  }
  await expect(world.take()).rejects.toMatchObject({ code: 'KMS_PEER_UNREACHABLE', action: 'retry' })
  world.onAnswer = onAnswer
  await world.boot(await world.take())
  expect(receiptsOf(world)).toHaveLength(2)
  expect(configsOf(world)).toEqual(configs)
  const certified = world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate).at(-1)!.document.signingKey
  expect(certified).toBe(receiptsOf(world)[1]!.toKey)
})

test('two that were handed the same: the later boot serves, the other ends', async () => {
  const world = await UpgradeWorld.create()
  const [first, second] = [await world.take(), await world.take()]
  // A copy of the store, as it was when the old one ended.
  const copy = new MemoryStore()
  await copy.commit(await world.store.readAll())
  const old = await world.boot(first)
  const store = world.store
  world.store = copy
  await expect(world.boot(second), 'the copy is old by now').rejects.toMatchObject({
    code: 'KMS_STATE_ROLLED_BACK',
  })
  world.store = store
  await expect(old.tick()).rejects.toMatchObject({ code: 'KMS_FENCED' })
})

test.each(['not-persisted', 'reported-failed'] as const)(
  'a root secret that cannot be kept (%s): the old one is not fenced, and it can be tried again',
  async (fault) => {
    const world = await UpgradeWorld.create()
    const old = world.kms
    const obtained = await world.take()
    const certificates = world.logged(PAYLOAD_TYPES.kmsCertificate).length
    world.nextRoot.fault = () => fault
    await expect(world.boot(obtained)).rejects.toThrow('the source failed')
    expect(world.logged(PAYLOAD_TYPES.kmsCertificate)).toHaveLength(certificates)
    await old.tick()
    expect(old.readiness()).toEqual({ ready: true })
    world.nextRoot.fault = () => undefined
    await world.boot(obtained)
    expect(world.nextRoot.kept.map(toHex)).toEqual(obtained.secrets.map(toHex))
  },
)

test(
  claim('T11', 'killed at any write or entry of its start, the next KMS starts without the old one'),
  async () => {
    for (let instant = 0; instant < 6; instant++) {
      const world = await UpgradeWorld.create()
      const configs = configsOf(world)
      const obtained = await world.take()
      let step = 0
      const store = world.store as MemoryStore
      store.fault = () => (step++ === instant ? 'reported-failed' : undefined)
      const started = await world.boot(obtained).then(
        () => true,
        () => false,
      )
      store.fault = () => undefined
      if (!started) {
        // This process is gone, and what was in its memory; the root secret is kept.
        world.root = world.nextRoot.obtain()
        await world.start()
      }
      const sets = world.logged<KeySet>(PAYLOAD_TYPES.keySet).map(({ document }) => document)
      expect(sets.map(({ epoch }) => epoch)).toEqual(sets.map((_, n) => n + 1))
      expect(world.kms.readiness()).toEqual({ ready: true })
      if (started) expect(configsOf(world)).toEqual(configs)
    }
  },
)

test('killed before it booted, the old KMS goes on by itself', async () => {
  const world = await UpgradeWorld.create()
  await world.take()
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: true })
})

test('a start that failed at the log is tried again with everything it was given', async () => {
  const world = await UpgradeWorld.create()
  const configs = configsOf(world)
  const obtained = await world.take()
  const { fetch } = world.log
  Object.defineProperty(world.log, 'fetch', {
    configurable: true,
    value: (async (url, init) =>
      init?.method === 'POST' ? Promise.reject(new TypeError('gone')) : fetch(url, init)) as typeof fetch,
  })
  await expect(world.boot(obtained)).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
  Object.defineProperty(world.log, 'fetch', { configurable: true, value: fetch })
  await world.boot(obtained)
  expect(configsOf(world)).toEqual(configs)
})

test('an empty store, or that of another KMS, is not what was handed over with', async () => {
  const world = await UpgradeWorld.create()
  const obtained = await world.take()
  world.store = new MemoryStore()
  await expect(world.boot(obtained)).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
  const other = await UpgradeWorld.create({}, { name: 'another' })
  world.store = other.store
  await expect(world.boot(obtained)).rejects.toMatchObject({ code: 'KMS_GENESIS_MISMATCH' })
})

test(claim('T4', 'a key whose time ended meanwhile is not brought back'), async () => {
  const world = await UpgradeWorld.create()
  const obtained = await world.take()
  const before = configsOf(world)
  world.now += 86_400 + 601
  await world.boot(obtained)
  expect(configsOf(world).some((config) => before.includes(config))).toBe(false)
})

test('the old KMS rotated meanwhile: what it made since is made anew', async () => {
  const world = await UpgradeWorld.create()
  const obtained = await world.take()
  const [before] = [configsOf(world)]
  await world.rotate()
  const rotated = configsOf(world)
  await world.boot(obtained)
  const after = configsOf(world)
  expect(after.filter((config) => before.includes(config))).toEqual(before)
  expect(rotated.filter((config) => !before.includes(config)).some((config) => after.includes(config))).toBe(
    false,
  )
})

test.each<[string, unknown]>([
  ['nothing', {}],
  ['a list', []],
  ['a receipt of another form', { receipt: 1, enc: '', wrapped: '' }],
])('an answer that is no handover, %s, ends the take-over by name', async (_, answer) => {
  const world = await UpgradeWorld.create()
  const { onAnswer } = world
  world.onAnswer = async (honest) =>
    Object.hasOwn((await honest.clone().json()) as object, 'wrapped')
      ? Response.json(answer)
      : onAnswer(honest)
  await expect(world.take()).rejects.toMatchObject({ code: 'KMS_HANDOVER_INVALID', action: 'stop' })
})
