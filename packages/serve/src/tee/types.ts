import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'

/**
 * What a measured role asks of the hardware it runs on. Implementations: files and device nodes of
 * a real TEE, or the software TEE's launcher. Calls may run concurrently.
 */
export interface TrustedHardware {
  /** Of the processor. */
  readonly family: EvidenceFamily
  /**
   * Fresh evidence that is bound to exactly these 64 bytes, of the processor and of every GPU beside it, with
   * what the machine has to verify it.
   * @throws `TEE_UNAVAILABLE` (retry), `COLLECT_*` when the hardware does not answer in time
   */
  collectEvidence(binding: Uint8Array): Promise<Evidence>
  /**
   * 32 bytes only this measurement on this machine can derive, for sealing state at rest; others for another context.
   * @param context 1-128 characters
   * @throws `TEE_NO_SEALING` (stop) where the hardware has none, `COLLECT_*` when a helper that asks it does not answer
   */
  deriveSealingKey(context: string): Promise<Uint8Array>
}
