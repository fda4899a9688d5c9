export { type Board, type BoardOptions, MAX_ROOM_MESSAGES, openBoard } from './board.ts'
export type { SealedFile, TransferOptions } from './files.ts'
export { foldRoom, type Posted, type RoomRun, type RoomState } from './fold.ts'
export type { Membership } from './membership.ts'
export type { BoardEntry } from './message.ts'
export {
  type ApprovedMessage,
  type ConsentedMessage,
  type DeclinedMessage,
  type JoinedMessage,
  joinedMessage,
  type OfferedMessage,
  type ProposedMessage,
  type RoomMessage,
  type ViewMessage,
} from './messages.ts'
export { encodeInvitation, newRoomSecret, parseInvitation, type RoomSecret, roomSecret } from './secret.ts'
