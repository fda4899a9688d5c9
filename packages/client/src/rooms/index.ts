export { type Acting, type Contracts, type ContractsOptions, createContracts } from './contracts.ts'
export { fingerprint, hasSameKeys } from './fingerprint.ts'
export { ownNameIn } from './own-name.ts'
export { type RoomParty, roomParty } from './party.ts'
export {
  type JudgeContext,
  type JudgedOffer,
  type JudgedRun,
  judgeOffer,
  judgeRun,
  createRuns,
  type RoomCallsOptions,
  type RoomRuns,
  type WantedRun,
} from './runs/index.ts'
export { callSender } from './send.ts'
export { statedIn } from './stated-in.ts'
export {
  type DataContent,
  dataContent,
  type DataFiles,
  type DataOptions,
  type OpenedOutput,
  openOutput,
  type OpenOutputOptions,
  type SealDataOptions,
  sealData,
  type SealedData,
  signDataImport,
  signDataStatement,
  type StatedData,
} from './data/index.ts'
export {
  type ApprovedMessage,
  type Board,
  type BoardEntry,
  type BoardOptions,
  type ConsentedMessage,
  type DeclinedMessage,
  encodeInvitation,
  foldRoom,
  type JoinedMessage,
  joinedMessage,
  MAX_ROOM_MESSAGES,
  type Membership,
  newRoomSecret,
  type OfferedMessage,
  openBoard,
  parseInvitation,
  type Posted,
  type ProposedMessage,
  type RoomMessage,
  type RoomRun,
  type RoomSecret,
  roomSecret,
  type RoomState,
  type SealedFile,
  type TransferOptions,
  type ViewMessage,
} from './board/index.ts'
export {
  type AddedData,
  type AskedRun,
  type CheckedProof,
  checkRunProof,
  type FollowOptions,
  MAX_PROOF_BYTES,
  openRoom,
  parseRunProof,
  type Room,
  type RoomConnection,
  type RoomMember,
  type RunProof,
} from './room/index.ts'
export type { SottoRooms } from './types.ts'
