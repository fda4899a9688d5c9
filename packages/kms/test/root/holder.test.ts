import { expect, test } from 'vitest'
import { createIdentity } from '../../src/identity/index.ts'
import { deriveRoot, RootHolder } from '../../src/root/index.ts'
import { EMPTY_STATE, type KmsState } from '../../src/state/index.ts'
import { seed, testRoot, World } from '../world.ts'

/** The state of a KMS whose root key is that of this secret. */
function stateOf(secret: Uint8Array): KmsState {
  const world = new World()
  return {
    ...EMPTY_STATE,
    identity: createIdentity(world.config, deriveRoot(secret.slice()).signer, world.now),
  }
}

test('a root secret that another took the place of is overwritten, and so is the one before it', () => {
  const [current, before] = [seed(1), seed(2)]
  const root = testRoot(current)
  root.obtained = { secrets: [current, before] }
  const holder = RootHolder.of(root, stateOf(current))
  const { secretSeed } = holder.signer
  holder.prepare(seed(3))
  holder.prepare(seed(3))
  expect(root.obtained.secrets, 'either may be in force').toEqual([seed(3), seed(1), seed(2)])
  holder.follow(stateOf(seed(1)))
  expect(holder.secret, 'the commit did not happen').toEqual(seed(1))
  holder.follow(stateOf(seed(3)))
  expect(holder.hasOthers).toBe(true)
  holder.forgetRecovery()
  for (const old of [current, before, secretSeed]) expect(old).toEqual(new Uint8Array(32))
  expect(holder.secret).toEqual(seed(3))
  expect(root.obtained).toEqual({ secrets: [seed(3)] })
  expect(holder.hasOthers).toBe(false)
})

test('a root key of which no secret is at hand ends it', () => {
  const holder = RootHolder.of(testRoot(seed(1)), stateOf(seed(1)))
  expect(() => holder.follow(stateOf(seed(4)))).toThrow(
    expect.objectContaining({ code: 'KMS_ROOT_MISMATCH', action: 'stop' }),
  )
  expect(holder.secret).toEqual(seed(1))
})
