import { utf8 } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { Enclave, World } from './world.ts'

async function releaseTo(world: World, request: unknown): Promise<string[]> {
  world.log.asked = []
  const { status, text } = await world.call('/v1/release', request)
  expect(status, text).toBe(200)
  return world.log.asked
}

const bundles = (asked: string[]): string[] => asked.filter((path) => path.startsWith('tile/entries/'))

test('a release asks the log for one checkpoint, which holds its receipt', async () => {
  const world = await World.ready()
  const asked = await releaseTo(world, await new Enclave(world.workload).request(world))
  expect(asked.filter((path) => path === 'checkpoint')).toHaveLength(1)
  expect(bundles(asked)).toHaveLength(1)
})

test('an answer that is given again has no receipt of its own: the log is asked for its newest checkpoint', async () => {
  const world = await World.ready()
  const request = await new Enclave(world.workload).request(world)
  await releaseTo(world, request)
  world.log.entries.push(utf8('somebody’s'))
  const asked = await releaseTo(world, request)
  expect(asked.filter((path) => path === 'checkpoint')).toHaveLength(1)
  expect(bundles(asked)).toHaveLength(1)
})

test('what was searched for a later boot is not read again', async () => {
  const world = await World.ready()
  // More than one bundle.
  for (let n = 0; n < 600; n++) world.log.entries.push(utf8(`somebody ${n}`))
  const counts: number[] = []
  for (let n = 0; n < 3; n++)
    counts.push(bundles(await releaseTo(world, await new Enclave(world.workload).request(world))).length)
  expect(counts).toEqual([3, 1, 1])
})
