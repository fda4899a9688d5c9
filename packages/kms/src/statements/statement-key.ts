import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import {
  type Digest,
  type Ed25519Key,
  encodeDocument,
  type KmsCertificate,
  PAYLOAD_TYPES,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'

/** How long one statement key is certified; it is renewed at half of that. */
export const CERTIFICATE_SECONDS = 604_800

/** Clients whose clock is this much behind accept a new certificate at once. */
const CLOCK_SKEW_SECONDS = 60

/** The key that signs this boot's statements. It lives in memory only. */
export interface StatementKey {
  publicKey: Ed25519Key
  /** Canonical DSSE envelope of the certificate, signed by the root key; not logged yet. */
  certificate: string
  notAfter: UnixSeconds
  /** Signs a document; returns the canonical DSSE envelope. */
  sign(payloadType: string, document: object): string
}

/** An Ed25519 key pair. */
export type StatementKeyPair = Record<'seed' | 'publicKey', Uint8Array>

/** Makes a statement key, unless one was promised to a KMS that handed over, and certifies it with the root key in force. Its certificate is this boot's random entry in the log (T11). */
export function createStatementKey(
  genesis: Digest,
  root: DsseSigner,
  now: UnixSeconds,
  { seed, publicKey }: StatementKeyPair = crypto.ed25519.generate(),
): StatementKey {
  const certificate: KmsCertificate = {
    version: 1,
    genesis,
    signingKey: toBase64Url(publicKey),
    notBefore: now - CLOCK_SKEW_SECONDS,
    notAfter: now + CERTIFICATE_SECONDS,
  }
  return {
    publicKey: certificate.signingKey,
    certificate: fromUtf8(signDsse(PAYLOAD_TYPES.kmsCertificate, encodeDocument(certificate), [root])),
    notAfter: certificate.notAfter,
    sign: (payloadType, document) =>
      fromUtf8(signDsse(payloadType, encodeDocument(document), [{ publicKey, secretSeed: seed }])),
  }
}
