import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  fillDigests,
  MAX_BATCH_DIGESTS,
  NO_PREVIOUS_BATCH,
  RECEIPT_BATCH_TYPE,
  receiptBatchDecoder,
  type ReceiptBatch,
} from '@sotto/protocol/receipt-log'
import { fakeSigner } from '@sotto/testkit'

const random = (length: number): Uint8Array => crypto.randomBytes(length)
const BATCH: ReceiptBatch = {
  version: 1,
  genesis: 'ab'.repeat(32),
  evidence: 'cd'.repeat(32),
  sequence: 1,
  previous: NO_PREVIOUS_BATCH,
  digests: fillDigests([], random),
}
const decode = (batch: object): ReceiptBatch =>
  decodeDocument(encodeDocument(batch), receiptBatchDecoder, 'batch')

/** The digests of a batch with something done to their bytes. */
function digestsOf(change: (bytes: Uint8Array) => Uint8Array): string {
  return toBase64Url(change(fromBase64Url(BATCH.digests)))
}

describe('a receipt batch', () => {
  test('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        (count, sequence) => {
          const own = Array.from({ length: count }, () => random(32))
          const batch = { ...BATCH, sequence, digests: fillDigests(own, random) }
          expect(decode(batch)).toEqual(batch)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('of the largest size fits into one entry of a log', () => {
    const digests = fillDigests(
      Array.from({ length: MAX_BATCH_DIGESTS }, () => random(32)),
      random,
    )
    const batch = { ...BATCH, sequence: Number.MAX_SAFE_INTEGER, digests }
    const entry = signDsse(RECEIPT_BATCH_TYPE, encodeDocument(batch), [fakeSigner()])
    // As the log takes them; see MAX_ENTRY_BYTES there.
    expect(entry.length).toBeLessThanOrEqual(60_000)
    expect(decodeDocument(parseDsse(entry).payload, receiptBatchDecoder, 'batch')).toEqual(batch)
  })

  test.each<[string, object]>([
    ['another version', { version: 2 }],
    ['no genesis', { genesis: undefined }],
    ['a genesis in capitals', { genesis: 'AB'.repeat(32) }],
    ['a short evidence digest', { evidence: 'cd'.repeat(31) }],
    ['number 0', { sequence: 0 }],
    ['a number that is none', { sequence: '1' }],
    ['no link', { previous: undefined }],
    ['a member nobody knows', { count: 3 }],
    ['no digests', { digests: '' }],
    ['a list of digests', { digests: [] }],
    ['a digest too few', { digests: digestsOf((bytes) => bytes.subarray(32)) }],
    ['a cut digest', { digests: digestsOf((bytes) => bytes.subarray(1)) }],
    ['a size of its own', { digests: toBase64Url(ascending(128)) }],
    ['a digest twice', { digests: digestsOf((bytes) => bytes.copyWithin(32, 0, 32)) }],
    ['digests out of order', { digests: digestsOf((bytes) => swapped(bytes)) }],
    ['another spelling of base64', { digests: `${BATCH.digests}=` }],
  ])('is refused with %s', (_what, change) => {
    expect(() => decode(JSON.parse(JSON.stringify({ ...BATCH, ...change })) as object)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })

  test('with a byte of a digest changed is another batch, or none', () => {
    fc.assert(
      fc.property(fc.nat(64 * 32 - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const digests = digestsOf((bytes) => {
          bytes[at]! ^= change
          return bytes
        })
        try {
          expect(decode({ ...BATCH, digests })).not.toEqual(BATCH)
        } catch (error) {
          expect(error).toMatchObject({ code: 'JCS_FIELD' })
        }
      }),
    )
  })
})

function ascending(count: number): Uint8Array {
  return Uint8Array.from({ length: count * 32 }, (_, at) => (at % 32 === 0 ? at / 32 : 0))
}

function swapped(bytes: Uint8Array): Uint8Array {
  const first = bytes.slice(0, 32)
  bytes.copyWithin(0, 32, 64)
  bytes.set(first, 32)
  return bytes
}
