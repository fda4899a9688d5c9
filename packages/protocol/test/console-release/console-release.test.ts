import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONSOLE_RELEASE_PREDICATE, consoleReleaseDecoder } from '../../src/console-release/index.ts'
import { decodeDocument, encodeDocument, RELEASE_PREDICATE } from '../../src/keyrelease/index.ts'

const digest = 'ab'.repeat(32)
const release = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'console', digest: { sha256: digest } }],
  predicateType: CONSOLE_RELEASE_PREDICATE,
  predicate: { version: '1.0.0', securityVersion: 1, createdAt: 1_790_000_000 },
}
const decode = (value: object): unknown => decodeDocument(encodeDocument(value), consoleReleaseDecoder)

describe('a release of pages', () => {
  it('is read as it was written', () => {
    const text = fc.stringMatching(/^[0-9a-z.]{1,20}$/)
    fc.assert(
      fc.property(text, fc.nat({ max: 2 ** 31 }), fc.maxSafeNat(), (version, securityVersion, createdAt) => {
        const value = { ...release, predicate: { version, securityVersion, createdAt } }
        expect(decode(value)).toEqual(value)
      }),
    )
  })

  it.each([
    ['the predicate of an image', { predicateType: RELEASE_PREDICATE }],
    ['no pages', { subject: [] }],
    ['two sets of pages', { subject: [release.subject[0], release.subject[0]] }],
    ['another subject', { subject: [{ name: 'image', digest: { sha256: digest } }] }],
    ['a short digest', { subject: [{ name: 'console', digest: { sha256: 'ab' } }] }],
    ['a negative security version', { predicate: { ...release.predicate, securityVersion: -1 } }],
    ['an empty version', { predicate: { ...release.predicate, version: '' } }],
    ['an unknown member', { more: 1 }],
  ])('with %s is refused', (_what, change) => {
    expect(() => decode({ ...release, ...change })).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }) as Error,
    )
  })
})
