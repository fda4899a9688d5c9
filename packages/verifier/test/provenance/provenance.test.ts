import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { documentDigest, encodeDocument } from '@sotto/protocol/keyrelease'
import { PROVENANCE_PAYLOAD_TYPES, type SbomStatement } from '@sotto/protocol/provenance'
import { fakeSigner } from '@sotto/testkit'
import { BUILDER, COMMIT, provenance } from '../../../protocol/test/provenance/statements.ts'
import { verifyProvenance, verifySbom } from '../../src/provenance/index.ts'

const image = 'ab'.repeat(32)
const builder = fakeSigner()
const accepted = { builderKeys: [builder.publicKey] }
const envelope = signDsse(PROVENANCE_PAYLOAD_TYPES.provenance, encodeDocument(provenance(image)), [builder])
const invalid = (what: RegExp): Error =>
  expect.objectContaining({
    code: 'PROVENANCE_INVALID',
    action: 'stop',
    message: expect.stringMatching(what) as string,
  }) as Error

describe('provenance', () => {
  it('of a pinned builder about this image is verified', () => {
    const policy = { ...accepted, builderIds: [BUILDER], revisions: [COMMIT] }
    expect(verifyProvenance(envelope, image, policy)).toEqual(provenance(image))
  })

  it.each([
    ['another image', 'cd'.repeat(32), accepted, /another image/],
    ['a key that is not pinned', image, { builderKeys: [fakeSigner().publicKey] }, /not signed by enough/],
    ['no pinned key at all', image, { builderKeys: [] }, /not signed by enough/],
    ['another builder', image, { ...accepted, builderIds: ['https://other.example'] }, /another builder/],
    ['another revision', image, { ...accepted, revisions: ['0'.repeat(40)] }, /another revision/],
  ])('is refused for %s', (_what, digest, policy, what) => {
    expect(() => verifyProvenance(envelope, digest, policy)).toThrow(invalid(what))
  })

  it('without any revision is refused where a revision is asked for', () => {
    const statement = provenance(image)
    delete statement.predicate.buildDefinition.resolvedDependencies[0]!.digest['gitCommit']
    const signed = signDsse(PROVENANCE_PAYLOAD_TYPES.provenance, encodeDocument(statement), [builder])
    expect(() => verifyProvenance(signed, image, { ...accepted, revisions: [COMMIT] })).toThrow(
      invalid(/no revision|another revision/),
    )
    expect(verifyProvenance(signed, image, accepted)).toEqual(statement)
  })

  it('of anything else than a build of an image is refused', () => {
    const statement = provenance(image)
    statement.predicate.buildDefinition.buildType = 'https://mirror.example/copy/v1'
    const signed = signDsse(PROVENANCE_PAYLOAD_TYPES.provenance, encodeDocument(statement), [builder])
    expect(() => verifyProvenance(signed, image, accepted)).toThrow(invalid(/not about a build/))
  })

  it('does not take the digest of the archive for that of the image', () => {
    expect(() => verifyProvenance(envelope, 'ef'.repeat(32), accepted)).toThrow(invalid(/another image/))
  })

  it('under another payload type is refused', () => {
    const signed = signDsse(PROVENANCE_PAYLOAD_TYPES.sbom, encodeDocument(provenance(image)), [builder])
    expect(() => verifyProvenance(signed, image, accepted)).toThrow(invalid(/another type/))
  })

  it('with any flipped byte is refused', () => {
    fc.assert(
      fc.property(fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = envelope.slice()
        bytes[at]! ^= flip
        expect(() => verifyProvenance(bytes, image, accepted)).toThrow(invalid(/./))
      }),
      { numRuns: 200 },
    )
  })

  it('of any other bytes is refused by name', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => verifyProvenance(bytes, image, accepted)).toThrow(invalid(/./))
      }),
    )
  })
})

describe('a bill of materials', () => {
  const sbom = utf8('{"bomFormat":"CycloneDX"}')
  const statement: SbomStatement = { version: 1, image, sbom: documentDigest(sbom), format: 'CycloneDX 1.6' }
  const signed = signDsse(PROVENANCE_PAYLOAD_TYPES.sbom, encodeDocument(statement), [builder])

  it('is that of the image when a pinned key says so', () => {
    expect(() => verifySbom(signed, sbom, image, [builder.publicKey])).not.toThrow()
  })

  it.each([
    ['for another image', signed, sbom, 'cd'.repeat(32), /another image/],
    ['with other bytes', signed, utf8('{"bomFormat":"CycloneDX" }'), image, /not the signed one/],
    [
      'signed by nobody known',
      signDsse(PROVENANCE_PAYLOAD_TYPES.sbom, encodeDocument(statement), [fakeSigner()]),
      sbom,
      image,
      /not signed/,
    ],
    ['whose envelope is provenance', envelope, sbom, image, /another type/],
  ])('is refused %s', (_what, bytes, file, digest, what) => {
    expect(() => verifySbom(bytes, file, digest, [builder.publicKey])).toThrow(invalid(what))
  })
})
