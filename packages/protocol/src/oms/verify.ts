import { toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import {
  type Certificate,
  KEY_USAGE,
  parseCertificate,
  parsePublicKey,
  derToPem,
  pemToDer,
  type PublicKey,
  type VerifiedPath,
  verifyPath,
} from '../x509/index.ts'
import { omsError } from './errors.ts'
import { CODE_SIGNING, requireSignature } from './signature.ts'
import { parseOmsStatement } from './statement.ts'
import { type OmsBundle, type OmsStatement } from './types.ts'

/** A public key that models are verified with: PEM of SubjectPublicKeyInfo, on P-256, P-384 or P-521. */
export interface OmsKey {
  publicKey: PublicKey
  /** SHA-256 of the key's PEM text in its usual form, hexadecimal: what bundles hint at. */
  hint: string
}

/**
 * Reads a public key. Text before the block, as some tools write it, is passed over.
 * @throws `X509_MALFORMED`, `X509_UNSUPPORTED` (fix-input)
 */
export function parseOmsKey(pem: string): OmsKey {
  const spki = pemToDer(pem.slice(Math.max(0, pem.indexOf('-----BEGIN PUBLIC KEY-----'))), 'PUBLIC KEY')
  const publicKey = parsePublicKey(spki)
  if (publicKey.type !== 'ec')
    throw omsError('OMS_UNSUPPORTED', 'models are signed with elliptic curves', {
      expected: 'a key on P-256, P-384 or P-521',
      found: publicKey.type,
    })
  return { publicKey, hint: omsKeyHint(spki) }
}

/** See {@link OmsKey.hint}: PEM with lines of 64 characters and a line end behind the last. */
export function omsKeyHint(spki: Uint8Array): string {
  return toHex(publicCrypto.sha256(utf8(derToPem(spki, 'PUBLIC KEY'))))
}

/**
 * The manifest of a model, proven to be signed by this key.
 * @throws `OMS_SIGNATURE` (stop), and the codes of `parseOmsStatement`
 */
export function verifyOmsWithKey({ material, payload, signature }: OmsBundle, key: OmsKey): OmsStatement {
  if (material.kind !== 'key')
    throw omsError('OMS_SIGNATURE', 'the model is signed with a certificate, not with a bare key', {
      expected: 'a signature of the key',
      found: material.kind,
    })
  if (material.hint !== undefined && material.hint !== key.hint)
    throw omsError('OMS_SIGNATURE', 'the model is signed with another key', {
      expected: key.hint,
      found: material.hint,
    })
  requireSignature(key.publicKey, payload, signature)
  return parseOmsStatement(payload)
}

/** Whom one trusts to certify signers, and when. */
export interface OmsCertificateOptions {
  /** Roots of the verifier's own. */
  roots: readonly Certificate[]
  /** Unix seconds. Nothing in a signature proves when it was made: every certificate must be valid at this time. */
  at: number
}

/**
 * The manifest of a model, proven to be signed by a key that a pinned root certifies for signing.
 *
 * @returns the statement, and the path for saying who signed
 * @throws `OMS_SIGNATURE` (stop), the codes of `verifyPath` and of `parseOmsStatement`
 */
export function verifyOmsWithCertificates(
  { material, payload, signature }: OmsBundle,
  { roots, at }: OmsCertificateOptions,
): { statement: OmsStatement; path: VerifiedPath } {
  if (material.kind !== 'certificates')
    throw omsError('OMS_SIGNATURE', 'the model is not signed with a certificate', {
      expected: 'a certificate chain',
      found: material.kind,
    })
  const chain = material.chain.map((der) => parseCertificate(der))
  const path = verifyPath(chain, { roots, at })
  const [leaf] = chain
  // Both where both are there: a certificate for TLS servers signs no models.
  const { keyUsage, extendedKeyUsage } = leaf!
  if (
    (keyUsage === undefined && extendedKeyUsage === undefined) ||
    (keyUsage !== undefined && (keyUsage & KEY_USAGE.digitalSignature) === 0) ||
    (extendedKeyUsage !== undefined && !extendedKeyUsage.includes(CODE_SIGNING))
  )
    throw omsError('OMS_SIGNATURE', 'the certificate is not for signing code or models', {
      expected: 'digitalSignature, codeSigning',
      found: leaf!.subjectText,
    })
  requireSignature(leaf!.publicKey, payload, signature)
  return { statement: parseOmsStatement(payload), path }
}
