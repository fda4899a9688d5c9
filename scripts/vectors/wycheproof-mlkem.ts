import { crypto, type MlKem, type MlKemName } from '@sotto/protocol/crypto-backend'
import { expectHex, expectRefused } from './harness.ts'
import { bytes, text, type WycheproofRunner, type WycheproofTest } from './wycheproof-types.ts'

const NAMES: readonly string[] = ['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'] satisfies MlKemName[]

const CHECKS: Record<string, (kem: MlKem, test: WycheproofTest) => void> = {
  MLKEMTest: checkDecaps,
  MLKEMEncapsTest: checkEncaps,
  MLKEMKeyGen: checkKeyGen,
  MLKEMDecapsValidationTest: checkExpandedDecaps,
}

/** ML-KEM: key generation, encapsulation with the modulus check, decapsulation from seeds and expanded keys. */
export const mlKemCases: WycheproofRunner = (algorithm, group) => {
  const check = CHECKS[group.type]
  const name = String(group['parameterSet'])
  if (algorithm !== 'ML-KEM' || check === undefined || !NAMES.includes(name)) return undefined
  return (test) => () => check(crypto.mlKem(name as MlKemName), test)
}

function checkKeyGen(kem: MlKem, test: WycheproofTest): void {
  const generate = (): ReturnType<MlKem['importPrivate']> => kem.importPrivate(bytes(test, 'seed'))
  if (test.result === 'invalid') return expectRefused('seed', generate, 'CRYPTO_BAD_KEY')
  expectHex('ek', generate().publicKey, text(test, 'ek'))
  expectHex('dk', generate().exportExpanded(), text(test, 'dk'))
}

function checkEncaps(kem: MlKem, test: WycheproofTest): void {
  const importPublic = (): ReturnType<MlKem['importPublic']> => kem.importPublic(bytes(test, 'ek'))
  if (test.result === 'invalid') return expectRefused('ek', importPublic, 'CRYPTO_BAD_KEY')
  const { ciphertext, sharedSecret } = importPublic().encapsulateDeterministically(bytes(test, 'm'))
  expectHex('c', ciphertext, text(test, 'c'))
  expectHex('K', sharedSecret, text(test, 'K'))
}

function checkDecaps(kem: MlKem, test: WycheproofTest): void {
  const decapsulate = (): Uint8Array => kem.importPrivate(bytes(test, 'seed')).decapsulate(bytes(test, 'c'))
  if (test.result === 'invalid') return expectRefused('decaps', decapsulate, 'CRYPTO_BAD_KEY')
  if (typeof test['ek'] === 'string')
    expectHex('ek', kem.importPrivate(bytes(test, 'seed')).publicKey, test['ek'])
  expectHex('K', decapsulate(), text(test, 'K'))
}

function checkExpandedDecaps(kem: MlKem, test: WycheproofTest): void {
  const dk = bytes(test, 'dk')
  const decapsulate = (): Uint8Array => kem.decapsulateExpanded(dk, bytes(test, 'c'))
  if (test.result === 'invalid') return expectRefused('decaps', decapsulate, 'CRYPTO_BAD_KEY')
  expectHex('K', decapsulate(), text(test, 'K'))
  // dk ends with ek, its hash and z (FIPS 203 Section 6.1).
  if (typeof test['ek'] === 'string') expectHex('ek', dk.subarray(-64 - kem.publicKeyLength, -64), test['ek'])
}
