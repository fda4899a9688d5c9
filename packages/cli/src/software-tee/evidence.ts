import { toBase64Url } from '@sotto/protocol/bytes'
import type { Evidence } from '@sotto/protocol/keyrelease'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import type { SoftwareMachine } from './machine.ts'

/** Evidence of the software TEE for what was measured at launch. */
export function answerEvidence(
  machine: SoftwareMachine,
  measurement: string,
  hostData: string,
  reportData: Uint8Array,
): Evidence {
  const report = signSoftwareReport(
    { measurement, hostData, reportData, chipId: machine.chipId },
    machine.rootPrivateKey,
  )
  const collateral = { root: toBase64Url(machine.rootPublicKey) }
  return [{ family: 'software', evidence: toBase64Url(report), collateral }]
}
