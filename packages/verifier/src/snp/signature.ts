import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import type { PublicKey } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { isZero, type SnpReport } from './report.ts'

/** Order of the group of P-384 (FIPS 186-5, SP 800-186 Section 3.2.1.4), big-endian. */
const ORDER =
  'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'

/** Whether R and S are from 1 to the order minus 1. */
export function hasSignatureInRange(signature: Uint8Array): boolean {
  return [signature.subarray(0, 48), signature.subarray(48)].every(
    (scalar) => !isZero(scalar) && toHex(scalar) < ORDER,
  )
}

/** By the keys of certificates, of which AMD's are remembered: importing one takes a tenth of a verification. */
const imported = new WeakMap<PublicKey, VerifyingKey>()

/** Whether this key signed the report. @throws Refusal of class `algorithm` for a key of another kind */
export function verifyReportSignature({ signed, signature }: SnpReport, key: PublicKey): boolean {
  if (key.type !== 'ec' || key.curve !== 'P-384')
    throw new Refusal(
      'the key cannot sign reports',
      'EC P-384',
      key.type === 'ec' ? key.curve : 'RSA',
      'algorithm',
    )
  let verifying = imported.get(key)
  if (verifying === undefined)
    imported.set(key, (verifying = publicCrypto.ecdsa.importPublic('P-384', 'sha384', key.point)))
  return verifying.verify(signed, signature)
}
