import { fromHex } from '@sotto/protocol/bytes'
import { crypto, type EcdsaCurveName, type Sha2Name, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import { expectEqual } from './harness.ts'
import { bytes, text, type WycheproofGroup, type WycheproofRunner } from './wycheproof-types.ts'

const HASHES: Record<string, Sha2Name> = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' }
const CURVES: Record<string, EcdsaCurveName> = { secp256r1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** ECDSA with P1363 signatures, Ed25519 and RSASSA-PSS. */
export const signatureCases: WycheproofRunner = (algorithm, group) => {
  const key = verifyingKey(algorithm, group)
  if (key === undefined) return undefined
  return (test) => () => {
    const isValid = key().verify(bytes(test, 'msg'), bytes(test, 'sig'))
    if (test.result !== 'acceptable') expectEqual('verify', isValid, test.result === 'valid')
  }
}

function verifyingKey(algorithm: string, group: WycheproofGroup): (() => VerifyingKey) | undefined {
  const publicKey = (group['publicKey'] ?? {}) as Record<string, unknown>
  const hash = HASHES[String(group['sha'])]
  if (group.type === 'EcdsaP1363Verify' && algorithm === 'ECDSA') {
    const curve = CURVES[String(publicKey['curve'])]
    if (curve === undefined || hash === undefined) return undefined
    return () => crypto.ecdsa.importPublic(curve, hash, bytes(publicKey, 'uncompressed'))
  }
  if (group.type === 'EddsaVerify' && algorithm === 'EDDSA' && publicKey['curve'] === 'edwards25519') {
    return () => crypto.ed25519.importPublic(bytes(publicKey, 'pk'))
  }
  if (group.type === 'RsassaPssVerify' && algorithm === 'RSASSA-PSS') {
    if (hash === undefined || group['mgf'] !== 'MGF1' || group['mgfSha'] !== group['sha']) return undefined
    const [modulus, exponent] = ['modulus', 'publicExponent'].map((field) =>
      withoutLeadingZeros(text(publicKey, field)),
    )
    return () => crypto.rsa.importPss({ modulus: modulus!, exponent: exponent! }, hash, Number(group['sLen']))
  }
  return undefined
}

/** Wycheproof writes integers as DER does, with a zero before a set top bit. */
function withoutLeadingZeros(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0))
}
