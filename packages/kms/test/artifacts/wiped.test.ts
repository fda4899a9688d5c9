import type * as KeyRelease from '@sotto/protocol/keyrelease'
import { beforeEach, expect, test, vi } from 'vitest'
import { seed, World } from '../world.ts'
import { ID, KEY, send } from './asking.ts'

/** Every content key as it came out of its wrapping. */
const unwrapped = vi.hoisted((): Uint8Array[] => [])

vi.mock('@sotto/protocol/keyrelease', async (importOriginal) => {
  const original = await importOriginal<typeof KeyRelease>()
  return {
    ...original,
    unwrapSecret: (...given: Parameters<typeof original.unwrapSecret>) => {
      const secret = original.unwrapSecret(...given)
      unwrapped.push(secret)
      return secret
    },
  }
})

const bear = (version: number) => ({ model: { name: 'bear', version } })
const OTHER = 'cd'.repeat(16)
const isWiped = (key: Uint8Array): boolean => key.every((byte) => byte === 0)
const held = (world: World): Uint8Array => world.kms.view.state.artifacts.get(ID)!.contentKey
let world: World

beforeEach(async () => {
  world = await World.withOwner()
  unwrapped.length = 0
})

/** Sends an import. @returns how it was answered, and whether the copy of the key that it brought is still there */
async function importing(body: Uint8Array, id = ID): Promise<[string, 'wiped' | 'kept']> {
  const before = unwrapped.length
  const code = await send(world, body, id)
  expect(unwrapped).toHaveLength(before + 1)
  return [code, isWiped(unwrapped.at(-1)!) ? 'wiped' : 'kept']
}

test('of a content key that is kept there is one copy, however often it is sent', async () => {
  const body = world.artifactImport(ID, KEY, bear(1))
  expect(await importing(body)).toEqual(['none', 'kept'])
  expect(await importing(body)).toEqual(['none', 'wiped'])
  expect(held(world)).toEqual(KEY)
})

test('a content key of a refused import is wiped at once', async () => {
  const older = world.artifactImport(ID, seed(43), bear(1))
  const body = world.artifactImport(ID, KEY, bear(1))
  expect(await importing(body)).toEqual(['none', 'kept'])
  expect(await importing(older)).toEqual(['KMS_ARTIFACT_REPLAY', 'wiped'])
  expect(held(world)).toEqual(KEY)
})

test('so is one of one model too many, and one that comes too soon after others', async () => {
  const bodies = Array.from({ length: 65 }, (_, n) => world.artifactImport(ID, KEY, bear(n + 1)))
  const other = world.artifactImport(OTHER, KEY)
  // The clock stands still from here on: these are all that an owner may change at once.
  for (const body of bodies.slice(0, 64)) expect(await send(world, body)).toBe('none')
  expect(await importing(bodies[64]!)).toEqual(['KMS_OWNER_QUOTA', 'wiped'])
  expect(await importing(other, OTHER)).toEqual(['HTTP_TOO_MANY', 'wiped'])
  expect(held(world)).toEqual(KEY)
})
