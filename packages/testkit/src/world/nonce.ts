import type { TrustBundle } from '@sotto/protocol/evidence'
import { bindReportData } from '@sotto/protocol/keyrelease'
import type { World } from './world.ts'

/** The bundle of a world with evidence that its KMS made for a nonce. */
export function bundleForNonce({ bundle, evidence }: World, nonce: string): TrustBundle {
  const binding = { ...bundle.kms.binding, nonce }
  return {
    ...bundle,
    kms: { ...bundle.kms, binding, evidence: evidence('kms', bindReportData('kms', binding)) },
  }
}
