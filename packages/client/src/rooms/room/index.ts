export {
  type CheckedProof,
  checkRunProof,
  MAX_PROOF_BYTES,
  parseRunProof,
  type RunProof,
  runProof,
} from './proof.ts'
export { openRoom, type RoomConnection } from './room.ts'
export type { AddedData, AskedRun, FollowOptions, Room, RoomMember } from './types.ts'
