import {
  custodianFileDecoder,
  custodianListDecoder,
  recoveryReceiptDecoder,
  recoveryShareDecoder,
  rootSuccessionDecoder,
  shareSetDecoder,
} from '@sotto/protocol/custody'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { describe, expect, it } from 'vitest'
import { custodians, DOCUMENTS, named, set } from './documents.ts'
import { at, changed, type Json, objectsIn } from '../keyrelease/every-object.ts'

const malformed = expect.objectContaining({ code: 'JCS_FIELD' }) as Error

function mayBe(member: string, good: unknown, other: unknown): boolean {
  if (member === 'collateral') return JSON.stringify(other) === '{}'
  if (member === 'envelope' || member === 'boundCheckpoint' || member === 'evidence')
    if (typeof good === 'string') return typeof other === 'string'
  return Array.isArray(good) && Array.isArray(other)
}

describe.each(Object.keys(DOCUMENTS))('a document of kind %s', (name) => {
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
        if (name === 'custodian file' && member === 'shareSet') continue
        refused(changed(good, path, (value) => delete value[member]))
        // No member is any of these; lists of statements and collateral may be empty, signed texts hold anything.
        const others = [null, {}, [], -1, 1.5, 'x'.repeat(300), '\u0000']
        for (const other of others.filter((value) => !mayBe(member, object[member], value)))
          refused(changed(good, path, (value) => (value[member] = other)))
      }
    }
  })

  it('is none of another kind', () => {
    for (const [other, { good: document }] of Object.entries(DOCUMENTS)) if (other !== name) refused(document)
  })
})

describe('a share set contradicts itself', () => {
  const [first, second, third] = set.shares
  it.each<[string, Json]>([
    ['when the threshold passes the number of shares', { threshold: 4 }],
    ['when one share is enough', { threshold: 1 }],
    ['when an index is left out', { shares: [first, third] }],
    ['when shares stand in another order', { shares: [second, first, third] }],
    ['when a custodian stands twice', { shares: [first, { ...second, custodian: first!.custodian }] }],
    ['when a key stands twice', { shares: [first, { ...second, key: first!.key }] }],
    ['when a signing key stands twice', { shares: [first, { ...second, signingKey: first!.signingKey }] }],
    ['when two shares are one', { shares: [first, { ...second, commitment: first!.commitment }] }],
    ['when there is one share', { shares: [first] }],
    ['when its generation is 0', { generation: 0 }],
  ])('%s', (_, change) => {
    expect(() => shareSetDecoder({ ...set, ...change }, 'set')).toThrow(malformed)
  })
})

it('refuses custodians that are one', () => {
  const [one, two] = named
  expect(() => custodianListDecoder([one, { ...two, name: one!.name }], 'c')).toThrow(malformed)
  expect(() => custodianListDecoder([one, { ...two, key: one!.key }], 'c')).toThrow(malformed)
  expect(() => custodianListDecoder([one], 'c')).toThrow(malformed)
  expect(() =>
    custodianListDecoder(
      Array.from({ length: 17 }, (_, n) => ({ name: `${n}`, key: custodians[0]!.key })),
      'c',
    ),
  ).toThrow(malformed)
})

it('refuses a key that follows itself, an index twice in a receipt, and a share that is longer', () => {
  const succession = DOCUMENTS['succession']!.good as Json
  expect(() => rootSuccessionDecoder({ ...succession, rootKey: succession['previousKey'] }, 's')).toThrow(
    malformed,
  )
  const receipt = DOCUMENTS['recovery receipt']!.good
  expect(() => recoveryReceiptDecoder({ ...receipt, indexes: [2, 2] }, 'r')).toThrow(malformed)
  const share = DOCUMENTS['recovery share']!.good as Json
  expect(() => recoveryShareDecoder({ ...share, wrapped: `${String(share['wrapped'])}AAAA` }, 's')).toThrow(
    malformed,
  )
})

it('never shows what stands in a custodian file', () => {
  const secret = 'c2VjcmV0LXNlZWQtb2YtYS1jdXN0b2RpYW4'
  try {
    custodianFileDecoder({ version: 1, wrapSeed: secret, signingSeed: secret }, 'file')
    expect.unreachable()
  } catch (error) {
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret)
  }
})
