import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'

/**
 * What a measured role asks of the hardware it runs on. Implementations: files and device nodes of
 * a real TEE, or the software TEE's launcher. Calls may run concurrently.
 */
export interface TrustedHardware {
  readonly family: EvidenceFamily
  /**
   * A fresh report over exactly these 64 bytes (REPORT_DATA), with its certificate chain.
   * @throws `TEE_UNAVAILABLE` (retry) when the hardware does not answer within 10 s
   */
  collectEvidence(reportData: Uint8Array): Promise<Evidence>
  /**
   * 32 bytes only this measurement on this machine can derive, for sealing state at rest.
   * @throws `TEE_NO_SEALING` (stop) where the hardware has none
   */
  deriveSealingKey(context: string): Promise<Uint8Array>
}
