import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { integer, nothing, octets, oid, sequence } from '@sotto/protocol/der-write'
import { readMaterial } from '../../packages/kms/src/root/azure-managed-hsm/material.ts'
import { requireMeasuredPolicy } from '../../packages/kms/src/root/azure-managed-hsm/release-policy.ts'
import { parseReleasedKey } from '../../packages/kms/src/root/azure-managed-hsm/released-key.ts'
import { parser, type Target } from './target.ts'

const MAA = 'https://sotto.weu.attest.azure.net'
const QUESTION = { kid: 'https://sotto.managedhsm.azure.net/keys/root/1', nonce: 'n' }
const ENC = 'CKM_RSA_AES_KEY_WRAP'

/** What comes from a managed HSM. */
export const hsmTargets: readonly Target[] = [
  parser(
    'hsm answer',
    () => [utf8(answer())],
    (bytes) => parseReleasedKey(fromUtf8(bytes), QUESTION),
  ),
  parser(
    'hsm release policy',
    () => [policy()],
    (data) =>
      requireMeasuredPolicy({ data, isImmutable: true }, { maa: MAA, allowMutablePolicy: false }, 'sev-snp'),
  ),
  parser(
    'hsm released key',
    () => [privateKey()],
    (bytes) => readMaterial('RSA-HSM', bytes),
  ),
]

function answer(): string {
  const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)))
  const { kid, nonce } = QUESTION
  const blob = { schema_version: '1.0.0', header: { alg: 'dir', enc: ENC }, ciphertext: 'AAAA' }
  const key = { kid, kty: 'oct-HSM', key_hsm: part(blob) }
  const release_policy = { data: toBase64Url(policy()), immutable: true }
  const payload = { request: { enc: ENC, kid, nonce }, response: { key: { key, release_policy } } }
  return `${part({ alg: 'RS256' })}.${part(payload)}.AAAA`
}

function policy(): Uint8Array {
  const allOf = [
    { claim: 'x-ms-attestation-type', equals: 'sevsnpvm' },
    { claim: 'x-ms-sevsnpvm-is-debuggable', equals: 'false' },
    { claim: 'x-ms-sevsnpvm-launchmeasurement', equals: 'ab' },
    { claim: 'x-ms-sevsnpvm-hostdata', equals: 'cd' },
  ]
  return utf8(JSON.stringify({ version: '1.0.0', anyOf: [{ authority: MAA, allOf }] }))
}

/** PKCS #8 of a key whose numbers are none. */
function privateKey(): Uint8Array {
  const number = (length: number): Uint8Array => integer(new Uint8Array(length).fill(0x7f))
  const numbers = [256, 3, 256, 128, 128, 128, 128, 128].map(number)
  const algorithm = sequence(oid('1.2.840.113549.1.1.1'), nothing())
  return sequence(number0(), algorithm, octets(sequence(number0(), ...numbers)))
}

function number0(): Uint8Array {
  return integer(new Uint8Array(1))
}
