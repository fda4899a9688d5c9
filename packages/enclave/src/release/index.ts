export { releaseError, type ReleaseErrorCode } from './errors.ts'
export {
  createKeeper,
  isRetryable,
  TICK_SECONDS,
  type IdleReason,
  type Keeper,
  type KeeperOptions,
} from './keeper.ts'
export { createKmsClient, type KmsClient, type SpendingClient } from './kms-client.ts'
export {
  obtainArtifactKeys,
  obtainKeys,
  verifyKms,
  type ObtainContext,
  type Obtained,
  type VerifiedKms,
} from './obtain.ts'
export { createReceiptKey } from './receipt-key.ts'
