export { type Asked, askedOf } from './arguments.ts'
export { bringToEnd, requireDone } from './bring-to-end.ts'
export {
  chooseContract,
  CONTRACT_FLAG,
  ownContracts,
  ownNameIn,
  requireSigned,
  viewContract,
} from './contracts.ts'
export { openDataFiles } from './data-files.ts'
export { describeContract } from './describe/index.ts'
export { contractOf, parseDraft, readDraft, readDraftFiles } from './draft/index.ts'
export {
  contractOfRun,
  findContract,
  findItem,
  findRun,
  nameOfContract,
  requireWholeDigest,
  short,
} from './items.ts'
export { writeOnce, writePrivate, type WrittenFile } from './output-files.ts'
export { isToldDone } from './proven.ts'
export {
  chooseRoom,
  createRoom,
  findRoom,
  listRooms,
  makePrivateFolder,
  markJoined,
  type OwnRoom,
  roomFile,
  roomFolder,
} from './rooms-folder.ts'
export { ROOM_NAME, type RoomService, type SavedRoom } from './saved-room.ts'
export {
  enterRoom,
  isRefusal,
  KEY_FLAG,
  openSession,
  readParty,
  readState,
  ROOM_FLAGS,
  type RoomFlags,
  type RoomSession,
} from './session.ts'
export { gatherStatus, nextSteps, showStatus } from './status/index.ts'
export { voteOnContract, voteOnOutputs, voteOnRun, waitsForReview } from './votes/index.ts'
export { requireLine } from './words.ts'
