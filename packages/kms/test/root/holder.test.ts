import { expect, test } from 'vitest'
import { RootHolder } from '../../src/root/index.ts'
import { EMPTY_STATE } from '../../src/state/index.ts'
import { seed, testRoot } from '../world.ts'

test('a root secret that another took the place of is overwritten, and so is the one before it', () => {
  const [current, before, next] = [seed(1), seed(2), seed(3)]
  const root = testRoot(current)
  root.obtained = { secrets: [current, before] }
  const holder = RootHolder.of(root, EMPTY_STATE)
  const { secretSeed } = holder.signer
  holder.replace(next)
  for (const old of [current, before, secretSeed]) expect(old).toEqual(new Uint8Array(32))
  expect(holder.secret).toEqual(seed(3))
  expect(root.obtained).toEqual({ secrets: [seed(3)] })
})
