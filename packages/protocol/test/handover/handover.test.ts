import { toHex } from '@sotto/protocol/bytes'
import {
  bindHandover,
  handedOverDecoder,
  handoverInfo,
  handoverReceiptDecoder,
} from '@sotto/protocol/handover'
import { bindReportData, decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binding, DIGEST, DOCUMENTS, handedOver, receipt } from './documents.ts'
import { at, changed, type Json, objectsIn } from '../keyrelease/every-object.ts'

const malformed = expect.objectContaining({ code: 'JCS_FIELD' }) as Error

/** Texts that anything may stand in, and lists that may be empty. */
function mayBe(member: string, good: unknown, other: unknown): boolean {
  if (member === 'envelope') return typeof other === 'string'
  if (member === 'checkpoint' && good === 'log\n1\n') return other === 'x'.repeat(300)
  if (member === 'collateral') return JSON.stringify(other) === '{}'
  // Base64url as good as any other.
  if (['wrapped', 'evidence', 'config'].includes(member) && typeof good === 'string')
    return other === 'x'.repeat(300)
  return (member === 'keys' || member === 'keyIds') && Array.isArray(other)
}

describe.each(Object.keys(DOCUMENTS))('a handover document of kind %s', (name) => {
  const { decoder, good } = DOCUMENTS[name]!
  const refused = (document: object): void => expect(() => decoder(document, 'document')).toThrow(malformed)

  it('is read as it was written', () => {
    const decoded = decodeDocument(encodeDocument(good), decoder)
    expect(encodeDocument(decoded as object)).toEqual(encodeDocument(good))
  })

  it('has no unknown member, and lacks none, in any of its objects', () => {
    for (const path of objectsIn(good)) {
      refused(changed(good, path, (value) => (value['extra'] = 1)))
      const object = at(good, path)
      for (const member of Object.keys(object)) {
        refused(changed(good, path, (value) => delete value[member]))
        for (const other of [null, {}, [], -1, 1.5, 'x'.repeat(300), '\u0000'])
          if (!mayBe(member, object[member], other))
            refused(changed(good, path, (value) => (value[member] = other)))
      }
    }
  })

  it('is none of another kind', () => {
    for (const [other, { good: document }] of Object.entries(DOCUMENTS)) if (other !== name) refused(document)
  })
})

describe('a handover contradicts itself', () => {
  const [first, second] = handedOver.keys
  it.each<[string, Json]>([
    ['when a boot follows itself', { toKey: receipt.fromKey }],
    ['when the security version decreases', { toSecurityVersion: 0 }],
    ['when a key is named twice', { keyIds: [7, 7] }],
    ['when no chip is named', { hardware: [] }],
  ])('in its receipt, %s', (_, change) => {
    expect(() => handoverReceiptDecoder({ ...receipt, ...change }, 'receipt')).toThrow(malformed)
  })

  it.each<[string, Json]>([
    ['when a key stands twice', { keys: [first, { ...second, keyId: first!.keyId }] }],
    ['when a key ends before it begins', { keys: [{ ...first, notAfter: 100 }] }],
    ['when a key is destroyed before it ends', { keys: [{ ...first, destroyAt: 199 }] }],
    [
      'when there are too many keys',
      { keys: Array.from({ length: 65 }, (_, keyId) => ({ ...first, keyId })) },
    ],
    ['when the root secret is short', { rootSecret: 'AAAA' }],
  ])('in what it gives, %s', (_, change) => {
    expect(() => handedOverDecoder({ ...handedOver, ...change }, 'handed over')).toThrow(malformed)
  })
})

describe('what a handover binds', () => {
  it('is not what an enclave or a running KMS binds', () => {
    const values = [
      bindHandover(binding),
      bindReportData('enclave', binding as never),
      bindReportData('kms', binding as never),
    ]
    expect(new Set(values.map(toHex)).size).toBe(3)
    expect(values[0]).toHaveLength(64)
  })

  it('changes with every field of it, and so does what is wrapped', () => {
    const others = [
      { ...binding, genesis: 'cd'.repeat(32) },
      { ...binding, wrapKey: binding.wrapKey.replace(/^A./, 'BB') },
      { ...binding, statementKey: receipt.toKey },
      { ...binding, checkpoint: 'cd'.repeat(32) },
    ]
    expect(new Set([binding, ...others].map((one) => toHex(bindHandover(one)))).size).toBe(5)
    const info = { genesis: DIGEST, policy: DIGEST, evidence: DIGEST }
    const infos = [info, ...Object.keys(info).map((name) => ({ ...info, [name]: 'cd'.repeat(32) }))]
    expect(new Set(infos.map((one) => toHex(handoverInfo(one)))).size).toBe(4)
  })
})

it('any document comes back as it was written, and no change of a byte is another one unseen', () => {
  const keyIds = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { maxLength: 64 })
  const versions = fc.tuple(fc.nat(1000), fc.nat(1000)).map((pair) => pair.toSorted((a, b) => a - b))
  fc.assert(
    fc.property(keyIds, versions, fc.nat(), fc.integer({ min: 1, max: 255 }), (ids, [from, to], at, bit) => {
      const document = { ...receipt, keyIds: ids, fromSecurityVersion: from!, toSecurityVersion: to! }
      const bytes = encodeDocument(document)
      expect(decodeDocument(bytes, handoverReceiptDecoder)).toEqual(document)
      const flipped = bytes.slice()
      flipped[at % flipped.length]! ^= bit
      let read: unknown
      try {
        read = decodeDocument(flipped, handoverReceiptDecoder)
      } catch {
        return
      }
      expect(read).not.toEqual(document)
    }),
    { numRuns: 200 },
  )
})
