import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  BATCH_SIZES,
  digestCount,
  fillDigests,
  holdsDigest,
  MAX_BATCH_DIGESTS,
  receiptDigest,
  RECEIPT_DIGEST_BYTES,
} from '@sotto/protocol/receipt-log'

const random = (length: number): Uint8Array => crypto.randomBytes(length)
const some = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => random(RECEIPT_DIGEST_BYTES))

describe('the digest of a receipt', () => {
  const salt = toBase64Url(new Uint8Array(32).fill(7))

  test('is pinned', () => {
    expect(toHex(receiptDigest({ envelope: '{"a":1}', salt }))).toBe(
      // printf 'sotto-receipt-digest-v1\0' with 32 times 07 and sha256('{"a":1}'), by Python's hashlib.
      '267bc2050b542165a47775d89cbd877cd544765eda740dd493d4a2c078583f82',
    )
  })

  test('is another one for another salt or envelope', () => {
    const all = [
      { envelope: '{"a":1}', salt },
      { envelope: '{"a":2}', salt },
      { envelope: '{"a":1}', salt: toBase64Url(new Uint8Array(32).fill(8)) },
    ].map((receipt) => toHex(receiptDigest(receipt)))
    expect(new Set(all).size).toBe(3)
  })
})

describe('digests of a batch', () => {
  test.each([
    [0, 64],
    [1, 64],
    [64, 64],
    [65, 256],
    [256, 256],
    [257, 1024],
    [1024, 1024],
  ])('%i receipts look like %i', (count, size) => {
    expect(digestCount({ digests: fillDigests(some(count), random) })).toBe(size)
  })

  test('are refused beyond the largest size', () => {
    expect(() => fillDigests(some(MAX_BATCH_DIGESTS + 1), random)).toThrow(TypeError)
    expect(BATCH_SIZES.at(-1)).toBe(MAX_BATCH_DIGESTS)
  })

  test('are found again, all of them, and nothing else is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), (count) => {
        const own = some(count)
        const digests = fillDigests(own, random)
        for (const digest of own) expect(holdsDigest({ digests }, digest)).toBe(true)
        for (const digest of some(3)) expect(holdsDigest({ digests }, digest)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  test('do not say in which order receipts came, nor which are random', () => {
    const [first, second] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const fixed = (): ((length: number) => Uint8Array) => {
      let n = 9
      return (length) => new Uint8Array(length).fill(n++)
    }
    const digests = fillDigests([second, first], fixed())
    expect(fillDigests([first, second], fixed())).toBe(digests)
    // Sixty-two of our own with the two that were random before: the same batch.
    const own = Array.from({ length: 62 }, (_, at) => new Uint8Array(32).fill(9 + at))
    const two = [first, second]
    expect(fillDigests(own, () => two.pop()!)).toBe(digests)
    expect(fromBase64Url(digests).length).toBe(64 * 32)
  })
})
