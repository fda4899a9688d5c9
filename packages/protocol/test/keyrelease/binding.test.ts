import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import {
  artifactImportInfo,
  bindReportData,
  documentDigest,
  encodeDocument,
  releaseInfo,
  type EnclaveBinding,
  type KmsBinding,
} from '@sotto/protocol/keyrelease'
import { bytes, DIGEST } from './documents.ts'

const kms: KmsBinding = {
  version: 1,
  genesis: DIGEST,
  signingKey: bytes(32),
  importKey: bytes(1216),
  checkpoint: DIGEST,
}
const enclave: EnclaveBinding = {
  version: 1,
  genesis: DIGEST,
  wrapKey: bytes(1216),
  receiptKey: bytes(32),
  checkpoint: DIGEST,
}

describe('what reports bind', () => {
  it('keeps its spelling: enclaves and clients of different versions must agree', () => {
    // Pinned: SHA-512 of "DSSEv1 LEN TYPE LEN BODY", made outside this code.
    expect(toHex(bindReportData('kms', kms))).toBe(
      '246830008d635114eb71f5a15cb5a186b7c8bee402d30b8573f91e989d0faecf01856a443a88d38cc9e7ae98ed924d50f2f391bbd064bf1f1ae02836efbd4e18',
    )
    expect(toHex(bindReportData('enclave', enclave))).toBe(
      'b35c3f8042f5d85f90be9ba091e787e1b4ba1123a8f8152ce862e70b400517c0bcd8c16fec8628046a889328fffe76838d185c690109cfc27974bac02d555672',
    )
  })
})

describe('what wrapped secrets are tied to', () => {
  it('takes nothing from members that are not its own', () => {
    const context = { genesis: DIGEST, artifact: 'ef'.repeat(16), policy: DIGEST, owner: bytes(32) }
    expect(artifactImportInfo({ ...context, enc: 'x' } as typeof context)).toEqual(
      artifactImportInfo(context),
    )
    const release = { genesis: DIGEST, policy: DIGEST, evidence: DIGEST }
    expect(releaseInfo({ ...release, enc: 'x' } as typeof release)).toEqual(releaseInfo(release))
  })
})

describe('the digest of a document', () => {
  it('is SHA-256 of its canonical bytes, however the members are ordered', () => {
    // printf '{"a":1,"b":"x"}' | sha256sum
    const expected = 'ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667'
    expect(documentDigest({ b: 'x', a: 1 })).toBe(expected)
    expect(documentDigest(encodeDocument({ a: 1, b: 'x' }))).toBe(expected)
  })
})
