import type { Digest } from '@sotto/protocol/keyrelease'

/**
 * Releases whose receipts can still be proven to somebody who asks late: with one every half hour,
 * at least a few hours of them.
 */
export const KEPT_CERTIFICATES = 8

/** Receipt certificates of the latest releases of this boot. */
export interface ReceiptCertificates {
  /** Adds the certificate of the newest release; the oldest beyond {@link KEPT_CERTIFICATES} goes. */
  add(evidence: Digest, certificate: Uint8Array): void
  /** The certificate of the release to this evidence, or of the newest. */
  find(evidence?: Digest): Uint8Array | undefined
}

/** Makes an empty {@link ReceiptCertificates}. */
export function createReceiptCertificates(): ReceiptCertificates {
  const kept = new Map<Digest, Uint8Array>()
  let newest: Uint8Array | undefined
  return {
    add(evidence, certificate) {
      kept.set(evidence, certificate)
      newest = certificate
      if (kept.size > KEPT_CERTIFICATES) kept.delete(kept.keys().next().value!)
    },
    find: (evidence) => (evidence === undefined ? newest : kept.get(evidence)),
  }
}
