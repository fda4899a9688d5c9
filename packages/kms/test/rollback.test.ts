import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { MemoryStore } from './store/memory.ts'
import { Enclave, World } from './world.ts'

function copyOf(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [name, record] of store.records)
    copy.records.set(name, { ...record, value: record.value.slice() })
  return copy
}

test(claim('T11', 'an old copy of the store is refused: the log knows what came after'), async () => {
  const world = await World.ready()
  const old = copyOf(world.store as MemoryStore)
  await world.rotate()
  world.store = old
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
})

test(claim('T11', 'an old copy is refused after several restarts in between, too'), async () => {
  const world = await World.ready()
  const old = copyOf(world.store as MemoryStore)
  for (let n = 0; n < 3; n++) await world.start()
  world.store = old
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
})

test(claim('T11', 'of two instances only the later one goes on'), async () => {
  const world = await World.ready()
  const first = world.kms
  world.store = copyOf(world.store as MemoryStore)
  await world.start()
  const second = world.kms
  world.now += 3600
  await expect(first.tick()).rejects.toMatchObject({
    code: expect.stringMatching(/KMS_FENCED|KMS_STATE_ROLLED_BACK/) as string,
  })
  expect(first.readiness().ready).toBe(false)
  await expect(first.release(await new Enclave(world.workload).request(world))).rejects.toMatchObject({
    action: 'stop',
  })
  await second.tick()
  expect(second.readiness()).toEqual({ ready: true })
})

test(
  claim('T11', 'the earlier of two instances answers nothing from the moment the later one is in the log'),
  async () => {
    const world = await World.ready()
    const first = world.kms
    world.store = copyOf(world.store as MemoryStore)
    await world.start()
    await expect(first.release(await new Enclave(world.workload).request(world))).rejects.toMatchObject({
      code: 'KMS_FENCED',
    })
    expect(first.readiness().ready).toBe(false)
  },
)

test('a stranger who may append cannot make the KMS doubt itself', async () => {
  const world = await World.ready()
  const other = new World({ name: 'other' })
  await other.start()
  await other.acceptPolicy(other.proposal())
  for (const entry of other.log.entries) world.log.entries.push(entry)
  world.log.entries.push(new Uint8Array(100), new TextEncoder().encode('{"payload":'))
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: true })
})

test('a log that shows another history than the one remembered ends the start', async () => {
  const world = await World.ready()
  world.log.rewriteHistory(0, new TextEncoder().encode('rewritten'))
  await expect(world.start()).rejects.toMatchObject({ code: 'LOG_INVALID', action: 'stop' })
})
