// What somebody joins with, apart from what is done in a room: a page of scripts is split by files, so that whoever imports
// the index of rooms loads all of it.
export { parseInvitation } from '../board/secret.ts'
export { fingerprint } from '../fingerprint.ts'
export { type RoomParty, roomParty } from '../party.ts'
