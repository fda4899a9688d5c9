import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse } from '@sotto/protocol/dsse'
import type { TrustBundle } from '@sotto/protocol/evidence'
import type { SavedReceipt } from '@sotto/protocol/receipts'

/** How the service was judged before the request was sent. */
export interface JudgedService {
  /** KMS statement key that the evidence of the bundle binds, 32 bytes. */
  signingKey: Uint8Array
  bundle(this: void): TrustBundle
}

/**
 * A verified receipt with the bundle of its service, so that hardware and code can be judged from the file alone. Where a KMS
 * has restarted between the verdict and the release to the enclave, that bundle is of another statement key than signed the
 * release: then the receipt stays without, until this client verifies again.
 */
export function withTrust(saved: SavedReceipt, judged: JudgedService): SavedReceipt {
  const { signatures } = parseDsse(utf8(saved.certificate.release.envelope))
  const keyId = toHex(crypto.sha256(judged.signingKey))
  return signatures.every(({ keyid }) => keyid === keyId) ? { ...saved, trust: judged.bundle() } : saved
}
