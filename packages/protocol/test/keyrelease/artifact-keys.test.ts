import {
  artifactKeyImportDecoder,
  decodeDocument,
  documentDigest,
  encodeDocument,
  type KeyReleasePolicy,
  releaseReceiptDecoder,
} from '@sotto/protocol/keyrelease'
import { expect, it } from 'vitest'
import { DIGEST, DOCUMENTS } from './documents.ts'

const component = { family: 'software', roots: [DIGEST] } as const
const POLICY: KeyReleasePolicy = {
  version: 1,
  genesis: DIGEST,
  anyOf: [{ name: 'inference', role: 'inference', allOf: [component] }],
  evidenceMaxAgeSeconds: 3600,
  createdAt: 5,
}
const plain = DOCUMENTS['artifactKeyImport']!.good

/** An import that brings a policy of the owner's, under the digest that is given or the policy's own. */
function withPolicy(ownerPolicy: KeyReleasePolicy, policy: string = documentDigest(ownerPolicy)): Uint8Array {
  return encodeDocument({ ...plain, policy, ownerPolicy })
}
const decode = (bytes: Uint8Array): unknown => decodeDocument(bytes, artifactKeyImportDecoder)
const refusal = (code: string): unknown => expect.objectContaining({ code }) as unknown

it('an import is read with the policy of its owner as it was written, and signs for exactly that one', () => {
  const written = withPolicy(POLICY)
  expect(encodeDocument(decode(written) as object)).toEqual(written)
  expect(() => decode(withPolicy(POLICY, DIGEST))).toThrow(refusal('JCS_FIELD'))
  expect(() => decode(withPolicy({ ...POLICY, genesis: 'cd'.repeat(32) }))).toThrow(refusal('JCS_FIELD'))
})

it('a policy of an owner is held to what every key-release policy is', () => {
  const [tuple] = POLICY.anyOf
  const mixed = { ...tuple!, name: 'other', allOf: [{ family: 'sev-snp' as const }] }
  expect(() => decode(withPolicy({ ...POLICY, anyOf: [tuple!, mixed] }))).toThrow(refusal('POLICY_INVALID'))
  expect(() => decode(withPolicy({ ...POLICY, anyOf: [] }))).toThrow(refusal('JCS_FIELD'))
  expect(() => decode(withPolicy({ ...POLICY, extra: 1 } as never))).toThrow(refusal('JCS_FIELD'))
})

it('an import names the model it is for, or none', () => {
  const read = (model: unknown): unknown => decode(encodeDocument({ ...plain, model }))
  const model = { name: 'notes-7b', version: 3 }
  expect(read(model)).toEqual({ ...plain, model })
  for (const wrong of [
    null,
    {},
    { name: 'notes' },
    { ...model, version: 0 },
    { ...model, version: 2 ** 31 + 1 },
    { ...model, name: '../notes' },
    { ...model, owner: 'x' },
  ])
    expect(() => read(wrong)).toThrow(refusal('JCS_FIELD'))
})

it('a receipt names content keys that left, each once, or says nothing of any', () => {
  const receipt = DOCUMENTS['releaseReceipt']!.good as Record<string, unknown>
  const left = { id: 'ef'.repeat(16), owner: receipt['receiptKey'], policy: DIGEST }
  const read = (artifacts: unknown): unknown =>
    decodeDocument(encodeDocument({ ...receipt, artifacts }), releaseReceiptDecoder)
  expect(read([left])).toEqual({ ...receipt, artifacts: [left] })
  const many = Array.from({ length: 65 }, (_, n) => ({ ...left, id: n.toString(16).padStart(32, '0') }))
  for (const wrong of [
    [],
    [left, left],
    many,
    [{ ...left, extra: 1 }],
    [{ id: left.id }],
    [{ id: left.id, policy: DIGEST }],
  ])
    expect(() => read(wrong)).toThrow(refusal('JCS_FIELD'))
})
