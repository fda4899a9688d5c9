import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMPTY_STATE, fromRecords, type KmsState, type RequestKey, toRecords } from '../../src/state/index.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 25
const key: fc.Arbitrary<RequestKey> = fc.record({
  keyId: fc.integer({ min: 0, max: 255 }),
  kem: fc.constantFrom('X-Wing', 'X25519'),
  config: fc.string(),
  policy: fc.string(),
  notBefore: fc.nat(),
  notAfter: fc.nat(),
  destroyAt: fc.nat(),
  privateKey: fc.uint8Array({ maxLength: 64 }),
})
const state: fc.Arbitrary<KmsState> = fc
  .record({
    keys: fc.array(key, { maxLength: 5 }).map((keys) => new Map(keys.map((each) => [each.keyId, each]))),
    next: fc.nat(255),
    busy: fc.dictionary(fc.integer({ min: 0, max: 255 }).map(String), fc.nat(), { noNullPrototype: true }),
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ keys, next, busy, root }) => ({
    ...EMPTY_STATE,
    keys,
    keyIds: { next, busyUntil: busy },
    // Stands for anything with bytes in it.
    rotation: { generation: 1, next: { secret: root, succession: { envelope: '' } } },
    identity: { genesis: { envelope: 'é"\\', index: 0 }, digest: '' },
  }))

test('a state is what its records say, in whatever order they come', () => {
  fc.assert(
    fc.property(state, fc.boolean(), (value, reversed) => {
      const records = toRecords(value)
      expect(fromRecords(reversed ? records.toReversed() : records)).toEqual({ ...value, keys: new Map() })
      for (const { privateKey } of value.keys.values())
        if (privateKey.length > 8)
          expect(JSON.stringify(records.map((record) => fromUtf8(record.value)))).not.toContain(
            toBase64Url(privateKey),
          )
    }),
    { numRuns },
  )
})
