import { parseInvitation, type RoomSecret } from '@sotto/client/rooms'
import { CONTRACT_NAME, type Name } from '@sotto/protocol/contract'
import { boolean, type Decoder, literal, members, text } from '@sotto/protocol/jcs'
import { cliError } from '../errors.ts'

/** Which service a room is at, as it was when this party came. */
export interface RoomService {
  host: string
  gateway: string
  /** Address of the log; missing: at the relay. */
  log?: string
  /** Absolute path of the trust policy. */
  policy: string
}

/** A room of this user: `room.json`, which is secret. */
export interface SavedRoom {
  format: 'sotto-room-file/1'
  /** What this user calls it. */
  name: string
  /** What the others call this user. */
  party: Name
  /** Whoever reads it is a member. */
  invitation: string
  /** Absolute path of this party's key. */
  key: string
  service: RoomService
  /** Whether this party has joined: false where that was interrupted. */
  isJoined: boolean
}

/** What a room may be called: it is a name of a folder. */
export const ROOM_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Largest `room.json`. */
export const MAX_ROOM_FILE_BYTES = 16_384

const path = text(4096)
const decoder: Decoder<SavedRoom> = members<SavedRoom>(
  {
    format: literal('sotto-room-file/1'),
    name: text(63, ROOM_NAME),
    party: text(32, CONTRACT_NAME),
    invitation: text(128),
    key: path,
    service: members<RoomService>({ host: text(2048), gateway: text(64), policy: path }, { log: text(2048) }),
    isJoined: boolean(),
  },
  {},
)

/** Text of the file. */
export function encodeSavedRoom(room: SavedRoom): string {
  return `${JSON.stringify(room, null, 2)}\n`
}

/** Reads the text of a file. Nothing of it is in the error. @throws `CLI_FILE` */
export function parseSavedRoom(json: string, file: string): SavedRoom & { secret: RoomSecret } {
  try {
    const room = decoder(JSON.parse(json), 'room')
    return { ...room, secret: parseInvitation(room.invitation) }
  } catch {
    throw cliError('CLI_FILE', `${file} is damaged`, {
      expected: 'what sotto room init or join wrote',
      hint: 'move its folder away and join again with the invitation',
    })
  }
}
