import { describe, expect, test } from 'vitest'
import { parseKeyConfigs } from '@sotto/protocol/ohttp'
import { utf8 } from '@sotto/protocol/bytes'
import { createKeyRing, type KeyRing } from '../../src/gateway/key-ring.ts'
import { claim } from '../../../../test/claims.ts'
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

describe('a set that came without a key', () => {
  const OLD = { policy: POLICY, notAfter: 90_000 }
  let now = 1000
  const start = (): KeyRing => {
    now = 1000
    return createKeyRing({ now: () => now, monotonicNow: () => now * 1000 })
  }

  test(claim('T4', 'a KMS that starts anew costs no client with a cached set a request'), () => {
    const keys = start()
    const identity = { genesis: 'g', evidence: 'e' } as never
    const old = { key: newKey(1), ...OLD, identity }
    keys.install([old])
    expect(keys.claim(1, Uint8Array.of(1))).toBe(true)
    keys.install([{ key: newKey(2), ...OLD }])
    expect(keys.find(1)).toBe(old)
    expect(keys.claim(1, Uint8Array.of(1)), 'its window is kept').toBe(false)
    expect(keys.find(1)!.identity, 'its answers are signed as those of its own release').toBe(identity)
    const published = parseKeyConfigs(keys.configs!).map(({ keyId }) => keyId)
    expect(published, 'nobody new is told of it').toEqual([2])
    now += 3600
    expect(keys.find(1)).toBe(old)
    now += 1
    expect(keys.find(1), 'no verdict that names it lives longer').toBeUndefined()
    expect(keys.find(2)).toBeDefined()
  })

  test('it is not prolonged: by another set, nor past its own end', () => {
    const keys = start()
    keys.install([{ key: newKey(1), policy: POLICY, notAfter: 2000 }])
    keys.install([{ key: newKey(2), ...OLD }])
    now = 2001
    expect(keys.find(1)).toBeUndefined()
    keys.install([{ key: newKey(3), ...OLD }])
    now += 3000
    keys.install([{ key: newKey(4), ...OLD }])
    now += 601
    expect([2, 3, 4].map((id) => keys.find(id) !== undefined)).toEqual([false, true, true])
  })

  test(claim('T2', 'it is forgotten at once when the policy is another one'), () => {
    const keys = start()
    keys.install([{ key: newKey(1), ...OLD }])
    keys.install([{ key: newKey(2), policy: 'ff'.repeat(32), notAfter: 90_000 }])
    expect(keys.find(1)).toBeUndefined()
    expect(keys.claim(1, Uint8Array.of(1))).toBe(false)
  })
})
