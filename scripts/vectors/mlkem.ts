import { sha3_512 } from '@noble/hashes/sha3.js'
import { concat, fromHex, toHex as hex } from '@sotto/protocol/bytes'
import { crypto, type MlKem, type MlKemName } from '@sotto/protocol/crypto-backend'
import { expectHex, expectRefused, perFile, unknownShape, type VectorFamily } from './harness.ts'

const NAMES: readonly MlKemName[] = ['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024']

/** The values that one file has. */
interface Values {
  readonly dk: Uint8Array
  readonly c: Uint8Array
  readonly K: Uint8Array
  readonly [name: string]: Uint8Array | undefined
}

/**
 * ML-KEM vectors of C2SP/CCTV: `name = hex` lines with the values of one run, or a list of
 * encapsulation keys, one per line, all of which fail the modulus check.
 */
export const mlkem: VectorFamily = perFile('transport/mlkem', function* (file) {
  const lines = file.text.split('\n').filter((line) => line !== '')
  if (lines.length > 0 && lines.every((line) => /^[0-9a-f]+$/.test(line))) {
    for (const [index, line] of lines.entries()) yield [`${index}: key not reduced`, () => checkRefusal(line)]
    return
  }
  const values = parseValues(lines)
  const kem = NAMES.map((name) => crypto.mlKem(name)).find((one) => isOf(one, values))
  if (kem === undefined || !isComplete(values)) {
    return yield unknownShape(`${file.name}: ML-KEM values dk, c and K are missing`)
  }
  yield ['decapsulate', () => expectHex('K', kem.decapsulateExpanded(values.dk, values.c), hex(values.K))]
  yield ['implicit rejection', () => checkRejection(kem, values)]
  const { d, z, ek, m } = values
  if (ek !== undefined) yield ['key hash', () => checkKeyHash(values, ek)]
  if (ek !== undefined && m !== undefined) yield ['encapsulate', () => checkEncapsulation(kem, ek, m, values)]
  if (ek !== undefined && d !== undefined && z !== undefined) {
    yield ['key pair', () => checkKeyPair(kem, concat(d, z), ek, values)]
  }
})

function parseValues(lines: readonly string[]): Record<string, Uint8Array> {
  const values: Record<string, Uint8Array> = {}
  for (const line of lines) {
    // The first value of a name counts: later ones are intermediate results of another algorithm.
    const match = /^(\S+) = ([0-9a-f]+)$/.exec(line)
    if (match !== null) values[match[1]!] ??= fromHex(match[2]!)
  }
  return values
}

function isComplete(values: Record<string, Uint8Array>): values is Record<string, Uint8Array> & Values {
  return ['dk', 'c', 'K'].every((name) => name in values)
}

function isOf(kem: MlKem, { dk, c }: Record<string, Uint8Array | undefined>): boolean {
  // dk is 768 k + 96 bytes and ek is 384 k + 32 (FIPS 203 Table 3).
  return c?.length === kem.ciphertextLength && dk?.length === 2 * kem.publicKeyLength + 32
}

function checkRefusal(line: string): void {
  const kem = NAMES.map((name) => crypto.mlKem(name)).find((one) => one.publicKeyLength * 2 === line.length)
  if (kem === undefined) throw new Error(`no parameter set has keys of ${line.length / 2} bytes`)
  expectRefused('ek', () => kem.importPublic(fromHex(line)), 'CRYPTO_BAD_KEY')
}

/** A forged ciphertext gives J(z || c), and z is the end of dk (FIPS 203 Sections 6.1 and 6.3). */
function checkRejection(kem: MlKem, { dk, c, KBar }: Values): void {
  const z = dk.subarray(-32)
  if (KBar !== undefined) expectHex('J(z || c)', crypto.xof('shake256', 32, z, c), hex(KBar))
  const forged = new Uint8Array(c)
  forged[0]! ^= 1
  const expected = crypto.xof('shake256', 32, z, forged)
  expectHex('K of a forgery', kem.decapsulateExpanded(dk, forged), hex(expected))
}

/** dk ends with ek, H(ek) and z (FIPS 203 Section 6.1). */
function checkKeyHash({ dk, z, 'H(ek)': hash }: Values, ek: Uint8Array): void {
  const found = crypto.hash('sha3-256', ek)
  if (hash !== undefined) expectHex('H(ek)', found, hex(hash))
  const end = concat(ek, found, z ?? dk.subarray(-32))
  expectHex('end of dk', dk.subarray(-end.length), hex(end))
}

function checkEncapsulation(kem: MlKem, ek: Uint8Array, m: Uint8Array, { c, K }: Values): void {
  const found = kem.importPublic(ek).encapsulateDeterministically(m)
  expectHex('c', found.ciphertext, hex(c))
  expectHex('K', found.sharedSecret, hex(K))
}

function checkKeyPair(
  kem: MlKem,
  seed: Uint8Array,
  ek: Uint8Array,
  { dk, c, K }: Values,
): void | 'by design' {
  const key = kem.importPrivate(seed)
  // In the draft of FIPS 203 the seed was hashed without the parameter set, so it gave another key.
  const isOfDraft = hex(sha3_512(seed.subarray(0, 32)).subarray(0, 32)) === hex(ek.subarray(-32))
  if (isOfDraft) {
    if (hex(key.publicKey) === hex(ek)) throw new Error('the key is the one of the draft')
    return 'by design'
  }
  expectHex('ek', key.publicKey, hex(ek))
  expectHex('dk', key.exportExpanded(), hex(dk))
  expectHex('K', key.decapsulate(c), hex(K))
}
