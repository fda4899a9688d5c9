export { askedOf } from './arguments.ts'
export { bringToEnd, requireDone } from './bring-to-end.ts'
export { chooseContract, CONTRACT_FLAG, requireSigned } from './contracts.ts'
export { openDataFiles } from './data-files.ts'
export { count, describeContract, showPrivacy } from './describe/index.ts'
export { contractOf, readDraft, readDraftFiles, standInContract } from './draft/index.ts'
export { contractOfRun, findItem, findRun, nameOfContract, requireWholeDigest, short } from './items.ts'
export { writePrivate } from './output-files.ts'
export { isToldDone } from './proven.ts'
export {
  chooseRoom,
  createRoom,
  findRoom,
  listRooms,
  markJoined,
  type OwnRoom,
  roomFile,
  roomFolder,
} from './rooms-folder.ts'
export {
  enterRoom,
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
