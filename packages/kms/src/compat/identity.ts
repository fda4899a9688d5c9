import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { ecdsaDer } from '@sotto/protocol/der-write'
import type { Digest } from '@sotto/protocol/keyrelease'
import { derToPem } from '@sotto/protocol/x509'
import { privateKeyPem, writeCertificate } from './certificate.ts'

/** Keys and certificates of one process for clients of the dialect: made here, kept in memory, gone with it. */
export interface AzureIdentity {
  /** The root that their clients pin: of receipts and of TLS. */
  service: { pem: string; digest: Digest; notBefore: number; notAfter: number }
  /** Signs receipts. */
  node: {
    pem: string
    /** DER of ECDSA with SHA-256. */
    sign(message: Uint8Array): Uint8Array
  }
  /** For the TLS server; the key is a secret. */
  tls: { cert: string; key: string }
}

/** As long as those of CCF. A KMS is restarted far more often, and then has another. */
const LIFETIME_SECONDS = 365 * 86_400
/** Clients whose clock is this much behind accept it at once. */
const CLOCK_SKEW_SECONDS = 86_400

/** Makes the identity of one process. @param names of the host, DNS or addresses @param now Unix seconds */
export function createAzureIdentity(names: readonly string[], now: number): AzureIdentity {
  const [serviceKey, nodeKey, tlsKey] = [0, 1, 2].map(() => crypto.ecdsa.generate('P-384'))
  const [notBefore, notAfter] = [now - CLOCK_SKEW_SECONDS, now + LIFETIME_SECONDS]
  const authority = { subject: 'Sotto KMS service', key: serviceKey! }
  const service = writeCertificate({ ...authority, notBefore, notAfter }, authority)
  const issue = (subject: string, key: typeof serviceKey, hosts: readonly string[]): string =>
    derToPem(
      writeCertificate({ subject, key: key!, notBefore, notAfter, names: hosts }, authority),
      'CERTIFICATE',
    )
  const signer = crypto.ecdsa.importPrivate('P-384', 'sha256', nodeKey!.privateKey)
  const tls = { cert: issue('Sotto KMS', tlsKey, names), key: privateKeyPem(tlsKey!) }
  const node = {
    pem: issue('Sotto KMS node', nodeKey, []),
    sign: (message: Uint8Array) => ecdsaDer(signer.sign(message)),
  }
  // Nothing else is ever certified.
  for (const key of [serviceKey, nodeKey, tlsKey]) key!.privateKey.fill(0)
  return {
    service: {
      pem: derToPem(service, 'CERTIFICATE'),
      digest: toHex(crypto.sha256(service)),
      notBefore,
      notAfter,
    },
    node,
    tls,
  }
}
