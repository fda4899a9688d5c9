import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type CollateralBundle,
  digestsOf,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  packCollateral,
  packIndex,
  parseIndex,
  requireDigests,
  unpackCollateral,
} from '@sotto/protocol/collateral-bundle'

const refused = expect.objectContaining({ code: 'COLLATERAL_BUNDLE', action: 'fix-input' })
const bundle: CollateralBundle = {
  fetchedAt: 1_767_268_800,
  pieces: { 'a.der': Uint8Array.of(1, 2, 3), b: utf8('text') },
}

const pieces = fc.dictionary(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
  fc.uint8Array({ maxLength: 40 }),
  { maxKeys: 6, noNullPrototype: true },
)
const anyBundle = fc.record({ fetchedAt: fc.option(fc.nat()), pieces })

interface Document extends Record<string, unknown> {
  pieces: Record<string, unknown>
  digests: Record<string, unknown>
}

/** The document of {@link bundle} with something else in it. */
function changed(change: (document: Document) => void): Uint8Array {
  const document = JSON.parse(fromUtf8(packCollateral(bundle))) as Document
  change(document)
  return utf8(JSON.stringify(document))
}

describe('a packed bundle', () => {
  it('is one canonical document', () => {
    expect(fromUtf8(packCollateral({ fetchedAt: 1, pieces: { 'a.der': Uint8Array.of(1, 2, 3) } }))).toBe(
      '{"digests":{"a.der":{"sha256":"039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81","size":3}},"fetchedAt":1,"pieces":{"a.der":"AQID"},"version":1}',
    )
  })

  it('gives back what was packed', () => {
    fc.assert(
      fc.property(anyBundle, (one) => void expect(unpackCollateral(packCollateral(one))).toEqual(one)),
      { numRuns: 60 },
    )
  })

  it('is the same document for the same pieces in another order', () => {
    const { 'a.der': a, b } = bundle.pieces
    expect(packCollateral({ ...bundle, pieces: { b: b!, 'a.der': a! } })).toEqual(packCollateral(bundle))
  })

  it('with any byte changed is refused', () => {
    const packed = packCollateral(bundle)
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const other = packed.slice()
        other[at]! ^= flip
        // The time is not covered by a digest: nothing follows from it.
        let read: CollateralBundle
        try {
          read = unpackCollateral(other)
        } catch (error) {
          expect(error).toEqual(refused)
          return
        }
        expect(read.pieces).toEqual(bundle.pieces)
        expect(read.fetchedAt).not.toBe(bundle.fetchedAt)
      }),
      { numRuns: 200 },
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['text', utf8('collateral')],
    ['bytes that are not UTF-8', Uint8Array.of(0xff)],
    ['a document cut off', packCollateral(bundle).subarray(0, -1)],
    ['a document with white space', utf8(` ${fromUtf8(packCollateral(bundle))}`)],
    ['another version', changed((document) => void (document['version'] = 2))],
    ['a version that is text', changed((document) => void (document['version'] = '1'))],
    ['no version', changed((document) => void delete document['version'])],
    ['an unknown member', changed((document) => void (document['zz'] = 1))],
    ['a time that is none', changed((document) => void (document['fetchedAt'] = 'now'))],
    ['pieces in a list', changed((document) => void Object.assign(document, { pieces: [] }))],
    ['a piece that is no text', changed(({ pieces }) => void (pieces['b'] = 1))],
    ['a piece that is not base64', changed(({ pieces }) => void (pieces['b'] = '*'))],
    ['another spelling of base64', changed(({ pieces }) => void (pieces['b'] = 'dGV4dB=='))],
    ['a piece missing', changed(({ pieces }) => void delete pieces['b'])],
    ['a piece without digest', changed(({ digests }) => void delete digests['b'])],
    ['names that leave a folder', changed(({ pieces }) => void (pieces['../b'] = ''))],
    ['hidden names', changed(({ pieces }) => void (pieces['.b'] = ''))],
    ['__proto__', utf8('{"digests":{},"fetchedAt":1,"pieces":{"__proto__":""},"version":1}')],
  ])('refuses %s', (_what, document) => {
    expect(() => unpackCollateral(document)).toThrow(refused)
  })

  it('has bounds', () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_PIECES + 1 }, (_, i) => [`p${i}`, new Uint8Array(1)]),
    )
    expect(() => packCollateral({ fetchedAt: 1, pieces: many })).toThrow(refused)
    expect(() => digestsOf({ a: new Uint8Array(MAX_PIECE_BYTES + 1) })).toThrow(refused)
    const large = Object.fromEntries(
      Array.from({ length: 5 }, (_, i) => [`p${i}`, new Uint8Array(MAX_PIECE_BYTES)]),
    )
    expect(() => digestsOf(large)).toThrow(refused)
  })
})

describe('the index of a folder', () => {
  it('has digests of what lies beside it, and no pieces', () => {
    const { digests, fetchedAt } = parseIndex(packIndex(bundle))
    expect(fetchedAt).toBe(bundle.fetchedAt)
    expect(() => requireDigests(bundle.pieces, digests)).not.toThrow()
    expect(() => parseIndex(packCollateral(bundle))).toThrow(refused)
  })

  it.each<[string, CollateralBundle['pieces']]>([
    ['a changed piece', { ...bundle.pieces, b: utf8('Text') }],
    ['a longer piece', { ...bundle.pieces, b: utf8('text ') }],
    ['a missing piece', { b: bundle.pieces['b']! }],
    ['one more piece', { ...bundle.pieces, c: utf8('text') }],
  ])('refuses %s', (_what, found) => {
    expect(() => requireDigests(found, digestsOf(bundle.pieces))).toThrow(refused)
  })
})
