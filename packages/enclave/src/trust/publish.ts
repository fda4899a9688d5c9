import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeTrustBundle, proveStatement, type TreeProver } from '@sotto/protocol/evidence'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import type { ReceiptCertificate } from '@sotto/protocol/receipts'
import type { LogClient } from '@sotto/serve/log-client'
import type { VerifiedKms } from '../release/obtain.ts'

/** What this enclave publishes about itself: ready-made bytes, the same for everybody. */
export interface PublishedTrust {
  /** Trust bundle (T6). */
  bundle: Uint8Array
  /** Proof that its receipt key was certified and logged (T16); answered inside the encryption. */
  certificate: Uint8Array
  /** Witness time of the checkpoint both are proven under, Unix seconds. */
  time: number
}

/** Encodes the bundle this enclave itself verified, and proves its release receipt under the same checkpoint. */
export async function publishTrust(
  { bundle, checkpoint }: VerifiedKms,
  receipt: LoggedStatement,
  log: LogClient,
): Promise<PublishedTrust> {
  const prover: Pick<TreeProver, 'inclusion'> = {
    inclusion: (entry, index) => log.proveInclusion(entry, index, checkpoint),
  }
  const certificate: ReceiptCertificate = {
    release: await proveStatement(receipt, prover),
    certificate: bundle.kms.certificate,
    genesis: bundle.genesis,
    checkpoint: bundle.checkpoint,
  }
  return { bundle: encodeTrustBundle(bundle), certificate: canonicalJson(certificate), time: checkpoint.time }
}
