import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { PROVENANCE_PAYLOAD_TYPES } from '@sotto/protocol/provenance'
import { fakeSigner } from '@sotto/testkit'
import { provenance } from '../../../protocol/test/provenance/statements.ts'
import { findRebuilders, requireRebuilders } from '../../src/provenance/index.ts'

const image = 'ab'.repeat(32)
const [alice, bob, carol] = [fakeSigner(), fakeSigner(), fakeSigner()]
const listed = [
  { key: alice.publicKey, organisation: 'Alice' },
  { key: bob.publicKey, organisation: 'Bob' },
]
const rebuilt = (
  signers: DsseSigner[],
  digest = image,
  type: string = PROVENANCE_PAYLOAD_TYPES.provenance,
): Uint8Array => signDsse(type, encodeDocument(provenance(digest)), signers)

/** Provenance of another build type: the image was fetched, not built. */
function copied(signer: DsseSigner): Uint8Array {
  const statement = provenance(image)
  statement.predicate.buildDefinition.buildType = 'https://mirror.example/copy/v1'
  return signDsse(PROVENANCE_PAYLOAD_TYPES.provenance, encodeDocument(statement), [signer])
}

describe('independent rebuilders', () => {
  it('of one image are counted by organisation', () => {
    expect(findRebuilders([rebuilt([alice]), rebuilt([bob])], image, listed)).toEqual(['Alice', 'Bob'])
    expect(findRebuilders([rebuilt([alice, bob])], image, listed)).toEqual(['Alice', 'Bob'])
    expect(requireRebuilders([rebuilt([bob]), rebuilt([alice])], image, listed, 2)).toEqual(['Alice', 'Bob'])
  })

  it.each([
    ['one who signs twice', [rebuilt([alice]), rebuilt([alice]), rebuilt([alice, alice])]],
    ['one who is not listed', [rebuilt([alice]), rebuilt([carol])]],
    ['another image', [rebuilt([alice]), rebuilt([bob], 'cd'.repeat(32))]],
    ['another kind of document', [rebuilt([alice]), rebuilt([bob], image, PROVENANCE_PAYLOAD_TYPES.sbom)]],
    ['one who only copied it', [rebuilt([alice]), copied(bob)]],
    ['bytes that are nothing', [utf8('{}'), rebuilt([alice]), new Uint8Array()]],
  ])('are not made two by %s', (_what, envelopes) => {
    expect(findRebuilders(envelopes, image, listed)).toEqual(['Alice'])
    expect(() => requireRebuilders(envelopes, image, listed, 2)).toThrow(
      expect.objectContaining({
        code: 'PROVENANCE_REBUILDERS',
        expected: '2 of 2',
        found: '1: Alice',
      }) as Error,
    )
  })

  it('with two keys of one organisation are one', () => {
    const same = listed.map(({ key }) => ({ key, organisation: 'One' }))
    expect(findRebuilders([rebuilt([alice]), rebuilt([bob])], image, same)).toEqual(['One'])
  })

  it('are none with no statement, and none is never enough', () => {
    expect(findRebuilders([], image, listed)).toEqual([])
    expect(() => requireRebuilders([], image, listed, 1)).toThrow(/too few/)
    expect(() => requireRebuilders([], image, [], 0)).toThrow(TypeError)
    expect(() => requireRebuilders([], image, [], Number.NaN)).toThrow(TypeError)
  })

  it('are found in a bounded number of envelopes', () => {
    const many = Array.from({ length: 256 }, () => utf8('{}'))
    expect(findRebuilders([...many, rebuilt([alice])], image, listed)).toEqual([])
  })
})
