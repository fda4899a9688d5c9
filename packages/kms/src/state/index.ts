export { pendingAnchor } from './anchor.ts'
export { StateKeeper } from './keeper.ts'
export { EMPTY_STATE, fromRecords, toRecords } from './records.ts'
export type {
  AcceptedPolicy,
  ArtifactKey,
  Custody,
  Epoch,
  HeldModel,
  Identity,
  KmsState,
  OwnStatement,
  RemovedArtifact,
  RemovedModel,
  RequestKem,
  RequestKey,
  RootRotation,
  SeenTree,
  StateAnchorMark,
} from './types.ts'
