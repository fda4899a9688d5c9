import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeDocument, encodeDocument } from '../../src/keyrelease/index.ts'
import { provenanceStatementDecoder, sbomStatementDecoder } from '../../src/provenance/index.ts'
import { provenance } from './statements.ts'

const decode = (value: object): unknown => decodeDocument(encodeDocument(value), provenanceStatementDecoder)
const image = 'ab'.repeat(32)

/** A copy with one member, named by a path, replaced or (undefined) taken out. */
function edited(path: string, value: unknown): object {
  const copy = structuredClone(provenance(image)) as unknown as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop()!
  const parent = names.reduce<Record<string, unknown>>(
    (at, name) => at[name] as Record<string, unknown>,
    copy,
  )
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

describe('a provenance statement', () => {
  it('reads back what was written', () => {
    expect(decode(provenance(image))).toEqual(provenance(image))
  })

  it.each([
    ['another kind of statement', '_type', 'https://in-toto.io/Statement/v0.1'],
    ['another predicate', 'predicateType', 'https://slsa.dev/provenance/v0.2'],
    ['no subject', 'subject', []],
    ['a subject without a digest', 'subject', [{ name: 'image', digest: {} }]],
    ['a digest that is short', 'subject', [{ name: 'image', digest: { sha256: 'ab' } }]],
    ['a digest in capitals', 'subject', [{ name: 'image', digest: { sha256: 'AB'.repeat(32) } }]],
    [
      'too many subjects',
      'subject',
      Array.from({ length: 17 }, (_, i) => ({ name: `${i}`, digest: { sha256: image } })),
    ],
    ['no dependency', 'predicate.buildDefinition.resolvedDependencies', []],
    [
      'a dependency without digests',
      'predicate.buildDefinition.resolvedDependencies',
      [{ name: 'x', digest: {} }],
    ],
    ['an unknown parameter', 'predicate.buildDefinition.externalParameters.debug', 'yes'],
    ['a builder that is no URI', 'predicate.runDetails.builder.id', 'somebody'],
    ['a member nobody knows', 'predicate.buildDefinition.more', 1],
    ['no builder', 'predicate.runDetails.builder', undefined],
  ])('is refused with %s', (_what, path, value) => {
    expect(() => decode(edited(path, value))).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }) as Error)
  })

  it('is refused when one name stands for two images', () => {
    const twice = [image, 'cd'.repeat(32)].map((sha256) => ({ name: 'image', digest: { sha256 } }))
    expect(() => decode(edited('subject', twice))).toThrow(/a subject stands twice/)
  })

  it('of any digests and names is read back, and never another one', () => {
    const digest = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => Buffer.from(bytes).toString('hex'))
    fc.assert(
      fc.property(digest, digest, (a, b) => {
        expect(decode(provenance(a, b))).toEqual(provenance(a, b))
      }),
      { numRuns: 50 },
    )
  })
})

describe('a statement about a bill of materials', () => {
  const statement = { version: 1, image, sbom: 'cd'.repeat(32), format: 'CycloneDX 1.6' }
  const read = (value: object): unknown => decodeDocument(encodeDocument(value), sbomStatementDecoder)

  it('reads back what was written', () => {
    expect(read(statement)).toEqual(statement)
  })

  it.each([
    ['version', 2],
    ['image', 'ab'],
    ['sbom', 7],
    ['format', 'SPDX 2.3'],
    ['more', 1],
  ])('is refused with another %s', (name, value) => {
    expect(() => read({ ...statement, [name]: value })).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }) as Error,
    )
  })
})
