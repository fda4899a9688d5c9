import { expect, test } from 'vitest'
import { parseKeyConfigs } from '@sotto/protocol/ohttp'
import { utf8 } from '@sotto/protocol/bytes'
import { createKeyRing, type KeyRing } from '../../src/gateway/key-ring.ts'
import { newKey, POLICY } from './parties.ts'

function ring(): { keys: KeyRing; clock: { now: number; mono: number } } {
  const clock = { now: 1000, mono: 0 }
  return {
    clock,
    keys: createKeyRing({
      keepMs: 1000,
      maxEntries: 10,
      monotonicNow: () => clock.mono,
      now: () => clock.now,
    }),
  }
}

test('an empty ring has no configuration and no key', () => {
  const { keys } = ring()
  expect([keys.configs, keys.find(7), keys.claim(7, utf8('enc'))]).toEqual([undefined, undefined, false])
})

test('configurations are published in the order they were installed', () => {
  const { keys } = ring()
  keys.install([7, 3, 5].map((id) => ({ key: newKey(id), policy: POLICY, notAfter: 2000 })))
  expect(parseKeyConfigs(keys.configs!).map(({ keyId }) => keyId)).toEqual([7, 3, 5])
})

test('a key is gone the second after its end', () => {
  const { keys, clock } = ring()
  keys.install([
    { key: newKey(1), policy: POLICY, notAfter: 1500 },
    { key: newKey(2), policy: POLICY, notAfter: 2000 },
  ])
  clock.now = 1500
  expect(keys.find(1)?.policy).toBe(POLICY)
  clock.now = 1501
  expect([keys.find(1), parseKeyConfigs(keys.configs!).map(({ keyId }) => keyId)]).toEqual([undefined, [2]])
  clock.now = 2001
  expect(keys.configs).toBeUndefined()
})

test('a key lives no longer than it was given for when the wall clock is turned back, or it comes again', () => {
  const { keys, clock } = ring()
  const held = { key: newKey(1), policy: POLICY, notAfter: 1500 }
  keys.install([held])
  clock.now = 900
  keys.install([held])
  clock.mono = 500_000
  expect(keys.find(1)).toBeDefined()
  clock.mono = 500_001
  expect([keys.find(1), keys.configs]).toEqual([undefined, undefined])
})

test('a window belongs to a key, not to its number', () => {
  const { keys } = ring()
  const first = { key: newKey(7), policy: POLICY, notAfter: 2000 }
  keys.install([first])
  expect(keys.claim(7, utf8('enc'))).toBe(true)
  keys.install([first])
  expect([keys.has(7, utf8('enc')), keys.claim(7, utf8('enc'))]).toEqual([true, false])
  keys.install([{ key: newKey(7), policy: POLICY, notAfter: 2000 }])
  expect(keys.has(7, utf8('enc'))).toBe(false)
})
