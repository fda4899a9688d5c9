export { RecoveryCeremony, type RecoveryProgress } from './ceremony.ts'
export { adoptRecovered } from './adopt.ts'
export { custodianSource } from './custodians.ts'
export {
  acknowledgeShare,
  advanceShares,
  type CustodyTools,
  isWaitingForCustodians,
  settleRoot,
  sharesDocument,
} from './custody.ts'
export { type KmsRoot, RootHolder } from './holder.ts'
export { rootKeyAt, rootKeyOf } from './in-force.ts'
export { openRootSource } from './open.ts'
export { logRecovery } from './recovery-receipt.ts'
export { advanceRotation, findRotationObstacle, followRoot, rootGeneration } from './rotate.ts'
export { createRootSecret, deriveRoot, type RootKeys } from './secret.ts'
export { teeSource } from './tee.ts'
export type {
  HsmKey,
  ObtainedRoot,
  Recovered,
  RootConfig,
  RootOwner,
  RootSource,
  RootTools,
  Sharing,
  TakenOver,
} from './types.ts'
