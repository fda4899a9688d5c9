import { fromHex, toHex } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { expectHex, expectRefused, perFile, unknownShape, type VectorFamily } from './harness.ts'
import { ContextPair } from './hpke-contexts.ts'
import { checkKeySchedule } from './hpke-schedule.ts'
import type { HpkeVector } from './hpke-types.ts'

/** HPKE: every field of every vector is reproduced by the sender and by the recipient. */
export const hpke: VectorFamily = perFile('transport/hpke', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of HPKE vectors')
  for (const [index, vector] of vectors.entries()) {
    if (!isHpkeVector(vector)) yield unknownShape(`vector ${index} of ${file.name}`)
    else yield* cases(index, vector)
  }
})

const REQUIRED: readonly (keyof HpkeVector)[] = [
  'mode',
  'kem_id',
  'kdf_id',
  'aead_id',
  'info',
  'skRm',
  'pkRm',
  'enc',
  'key',
  'encryptions',
  'exports',
]

function isHpkeVector(value: unknown): value is HpkeVector {
  if (typeof value !== 'object' || value === null || !REQUIRED.every((field) => field in value)) return false
  const { encryptions, exports } = value as HpkeVector
  return Array.isArray(encryptions) && Array.isArray(exports)
}

function* cases(index: number, v: HpkeVector): Generator<[string, () => void]> {
  const title = `${index}: mode ${v.mode} kem ${hex(v.kem_id)} kdf ${hex(v.kdf_id)} aead ${hex(v.aead_id)}`
  yield [`${title} keys`, () => checkKeys(v)]
  yield [`${title} key schedule`, () => checkKeySchedule(v)]
  const contexts = new ContextPair(v)
  for (const [i, encryption] of v.encryptions.entries()) {
    yield [`${title} encryption ${i}`, () => contexts.checkEncryption(encryption, index)]
  }
  for (const [i, one] of v.exports.entries()) {
    yield [`${title} export ${i}`, () => contexts.checkExport(one)]
  }
  if (v.aead_id === HPKE_AEAD.EXPORT_ONLY) {
    yield [`${title} refuses to seal`, () => contexts.checkNoEncryption()]
  }
}

function checkKeys(v: HpkeVector): void {
  const kem = kemById(v.kem_id)
  checkPair('R', v.ikmR, v.skRm, v.pkRm)
  checkPair('S', v.ikmS, v.skSm, v.pkSm)
  checkPair('E', v.ikmE, v.skEm, v.pkEm)
  // The encapsulated key of a DHKEM is the ephemeral public key.
  if (v.pkEm !== undefined) expectHex('enc is pkEm', fromHex(v.enc), v.pkEm)
  expectRefused('short pkRm', () => kem.importPublic(fromHex(v.pkRm).subarray(1)), 'CRYPTO_BAD_KEY')

  function checkPair(who: string, ikm: string | undefined, sk: string | undefined, pk?: string): void {
    if (sk === undefined) return
    const key = kem.importPrivate(fromHex(sk))
    if (pk !== undefined) expectHex(`pk${who}m of sk${who}m`, key.publicKey, pk)
    if (ikm === undefined) return
    const derived = kem.derive(fromHex(ikm))
    expectHex(`sk${who}m`, scalar(v, derived.export()), toHex(scalar(v, fromHex(sk))))
    expectHex(`pk${who}m`, derived.publicKey, toHex(key.publicKey))
  }
}

/** Bits that X25519 and X448 ignore are written by some and cleared by others (RFC 7748 Section 5). */
function scalar(v: HpkeVector, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key)
  if (v.kem_id === HPKE_KEM.DHKEM_X25519) {
    out[0]! &= 0xf8
    out[31] = (out[31]! & 0x7f) | 0x40
  } else if (v.kem_id === HPKE_KEM.DHKEM_X448) {
    out[0]! &= 0xfc
    out[55]! |= 0x80
  }
  return out
}

function hex(id: number): string {
  return `0x${id.toString(16)}`
}
