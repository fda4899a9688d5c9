import { ed25519 } from '@noble/curves/ed25519.js'
import { toHex } from '../bytes/index.ts'
import { NOBLE_CURVES, SCALAR_LENGTHS } from './browser-nist.ts'
import type { EcdsaCurveName, Sha2Name } from './types.ts'

/** One signature to verify. The key is one that noble accepts; everything else may be from an attacker. */
export interface Question {
  readonly algorithm: 'Ed25519' | readonly [curve: EcdsaCurveName, hash: Sha2Name]
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

const HASHES: Record<Sha2Name, string> = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' }

/**
 * Whether libraries that hold a signature of this spelling valid agree about it: scalars are in range, and the point of an
 * Ed25519 signature is the canonical encoding of one. Of such a signature under a key that noble accepts, noble holds
 * valid all that a platform does: it verifies the cofactored equation, which follows from the other one.
 */
export function isPlain({ algorithm, signature }: Question): boolean {
  if (algorithm !== 'Ed25519') {
    const length = SCALAR_LENGTHS[algorithm[0]]
    const order = NOBLE_CURVES[algorithm[0]].Point.Fn.ORDER
    const scalars = [signature.subarray(0, length), signature.subarray(length)].map(toBigInt)
    return signature.length === 2 * length && scalars.every((scalar) => scalar > 0n && scalar < order)
  }
  const { Fp, Fn } = ed25519.Point
  const point = signature.slice(0, 32).reverse()
  const sign = point[0]! >> 7
  point[0]! &= 0x7f
  const y = toBigInt(point)
  // RFC 8032 Section 5.1.3, step 4: where x is 0 it has no sign.
  const hasSignOfZero = sign === 1 && (y === 1n || y === Fp.ORDER - 1n)
  return (
    signature.length === 64 &&
    y < Fp.ORDER &&
    !hasSignOfZero &&
    toBigInt(signature.slice(32).reverse()) < Fn.ORDER
  )
}

/** Whether WebCrypto holds it valid. False also where it does not have the algorithm. */
export async function isValidNatively({ algorithm, key, message, signature }: Question): Promise<boolean> {
  const { subtle } = globalThis.crypto
  const [keyAlgorithm, verifyAlgorithm] =
    algorithm === 'Ed25519'
      ? [{ name: algorithm }, { name: algorithm }]
      : [
          { name: 'ECDSA', namedCurve: algorithm[0] },
          { name: 'ECDSA', hash: HASHES[algorithm[1]] },
        ]
  try {
    const imported = await subtle.importKey('raw', key as BufferSource, keyAlgorithm, false, ['verify'])
    return await subtle.verify(verifyAlgorithm, imported, signature as BufferSource, message as BufferSource)
  } catch {
    return false
  }
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}
