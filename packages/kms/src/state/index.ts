export { StateKeeper } from './keeper.ts'
export { EMPTY_STATE, fromRecords, toRecords } from './records.ts'
export type {
  AcceptedPolicy,
  ArtifactKey,
  Epoch,
  Identity,
  KmsState,
  OwnStatement,
  RequestKem,
  RequestKey,
  SeenTree,
} from './types.ts'
