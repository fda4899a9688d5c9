import { toBase64Url } from '@sotto/protocol/bytes'
import {
  bindReportData,
  type Digest,
  type Ed25519Key,
  type Evidence,
  type KmsBinding,
} from '@sotto/protocol/keyrelease'
import type { WitnessedCheckpoint } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'

/** The KMS's own evidence with everything a client needs to check what it is bound to. */
export interface OwnEvidence {
  evidence: Evidence
  binding: KmsBinding
  /** The note whose digest the binding holds. */
  boundCheckpoint: string
}

/**
 * Collects evidence that binds who this KMS is (genesis), what it signs with, what owners wrap
 * artifact keys to, and how recent it is (T1, T6).
 * @throws `TEE_UNAVAILABLE`
 */
export async function collectOwnEvidence(
  hardware: TrustedHardware,
  checkpoint: WitnessedCheckpoint,
  own: { genesis: Digest; signingKey: Ed25519Key; importKey: Uint8Array },
): Promise<OwnEvidence> {
  const binding: KmsBinding = {
    version: 1,
    genesis: own.genesis,
    signingKey: own.signingKey,
    importKey: toBase64Url(own.importKey),
    checkpoint: checkpoint.digest,
  }
  const evidence = await hardware.collectEvidence(bindReportData('kms', binding))
  return { evidence, binding, boundCheckpoint: checkpoint.note }
}

/**
 * The same statement about the same KMS, over the same checkpoint, made now for whoever chose the nonce: 16 to 64 bytes,
 * base64url, a stranger's. It costs a report of the hardware, so callers pace it.
 * @throws `TEE_UNAVAILABLE`
 */
export async function collectForNonce(
  hardware: TrustedHardware,
  { binding: ordinary, boundCheckpoint }: OwnEvidence,
  nonce: string,
): Promise<OwnEvidence> {
  const binding: KmsBinding = { ...ordinary, nonce }
  const evidence = await hardware.collectEvidence(bindReportData('kms', binding))
  return { evidence, binding, boundCheckpoint }
}
