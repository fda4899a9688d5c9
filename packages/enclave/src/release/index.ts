export { releaseError, type ReleaseErrorCode } from './errors.ts'
export {
  createKeeper,
  isRetryable,
  TICK_SECONDS,
  type IdleReason,
  type Keeper,
  type KeeperOptions,
} from './keeper.ts'
export { type ContractCarrier, createKmsClient, type KmsClient, type SpendingClient } from './kms-client.ts'
export {
  type BoundEvidence,
  collectBound,
  collectBoundFor,
  type JudgingContext,
  obtainArtifactKeys,
  obtainKeys,
  verifyKms,
  type ObtainContext,
  type Obtained,
  type VerifiedKms,
} from './obtain.ts'
export { createReceiptKey } from './receipt-key.ts'
