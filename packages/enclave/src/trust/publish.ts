import { encodeTrustBundle, proveStatement, type TreeProver } from '@sotto/protocol/evidence'
import { canonicalJson } from '@sotto/protocol/jcs'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import type { ReceiptCertificate } from '@sotto/protocol/receipts'
import type { LogClient } from '@sotto/serve/log-client'
import type { VerifiedKms } from '../release/obtain.ts'

/** What this enclave publishes about itself: ready-made bytes, the same for everybody. */
export interface PublishedTrust {
  /** Trust bundle (T6). */
  bundle: Uint8Array
  /** Witness time of its checkpoint, Unix seconds. */
  time: number
}

/** Encodes the bundle this enclave itself verified. */
export function publishTrust({ bundle, checkpoint }: VerifiedKms): PublishedTrust {
  return { bundle: encodeTrustBundle(bundle), time: checkpoint.time }
}

/**
 * Canonical JSON that proves the receipt key of one release was certified and logged (T16). It stays
 * true for ever, so it is made once per release. @throws as the log client
 */
export async function certifyReceipts(
  { bundle, checkpoint }: VerifiedKms,
  release: LoggedStatement,
  log: LogClient,
): Promise<Uint8Array> {
  const prover: Pick<TreeProver, 'inclusion'> = {
    inclusion: (entry, index) => log.proveInclusion(entry, index, checkpoint),
  }
  const certificate: ReceiptCertificate = {
    release: await proveStatement(release, prover),
    certificate: bundle.kms.certificate,
    genesis: bundle.genesis,
    ...(bundle.roots !== undefined && { roots: bundle.roots }),
    checkpoint: bundle.checkpoint,
  }
  return canonicalJson(certificate)
}
