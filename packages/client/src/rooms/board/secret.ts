import { concat, fromBase64Url, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { type AeadKey, crypto } from '@sotto/protocol/crypto-backend'
import type { BoardAccess } from '@sotto/protocol/room'
import { clientError } from '../../errors.ts'

/**
 * What the members of a room share: who has it reads and writes all of their messages. It proves nobody's name: that is
 * what the keys of parties are for.
 */
export interface RoomSecret extends BoardAccess {
  /** 32 bytes that everything else here is derived from. */
  readonly secret: Uint8Array
  /** Name of the board, 32 bytes, hexadecimal. It tells nothing of the secret. */
  readonly board: string
  /** Reads and writes at the board, 32 bytes, base64url; opens no message. A room that fetches files gets this much. */
  readonly token: string
  /** AES-256-GCM: seals messages. */
  readonly messageKey: AeadKey
}

const SECRET_BYTES = 32
const SALT = utf8('sotto-room-v1')

/** A new room's secret. @param random bytes of a system generator */
export function newRoomSecret(random: (length: number) => Uint8Array = crypto.randomBytes): RoomSecret {
  return roomSecret(random(SECRET_BYTES))
}

/** Everything that follows from the 32 bytes of a room: HKDF-SHA256, one purpose each. @throws TypeError for another length */
export function roomSecret(secret: Uint8Array): RoomSecret {
  if (secret.length !== SECRET_BYTES) throw new TypeError('a room secret has 32 bytes')
  const own = secret.slice()
  const derive = (purpose: string): Uint8Array =>
    crypto.hkdf('sha256', SALT, own, utf8(`sotto-room-v1 ${purpose}`), 32)
  return {
    secret: own,
    board: toHex(derive('board')),
    token: toBase64Url(derive('token')),
    messageKey: crypto.aead('aes-256-gcm', derive('messages')),
  }
}

const SCHEME = 'sotto-room:'
const VERSION = 1
const CHECKSUM_BYTES = 4
/** base64url of version, secret and checksum. */
const INVITATION_CHARACTERS = 50

/** The secret as text that a member gives to the next one: `sotto-room:` and 50 characters. Whoever reads it is a member. */
export function encodeInvitation({ secret }: Pick<RoomSecret, 'secret'>): string {
  const body = concat(Uint8Array.of(VERSION), secret)
  return SCHEME + toBase64Url(concat(body, checksum(body)))
}

/**
 * The room that an invitation opens. A letter that was lost or mistyped shows; nothing says that the room exists.
 * @param text from a person, without white space around it
 * @throws `ROOM_INVITATION`, which says what is wrong and nothing of what was given
 */
export function parseInvitation(text: string): RoomSecret {
  if (!text.startsWith(SCHEME)) throw noInvitation('something that does not begin so')
  const encoded = text.slice(SCHEME.length)
  if (encoded.length !== INVITATION_CHARACTERS) throw noInvitation(`${encoded.length} characters after that`)
  let bytes: Uint8Array
  try {
    bytes = fromBase64Url(encoded)
  } catch {
    throw noInvitation('characters that do not belong there')
  }
  const [version] = bytes
  if (version !== VERSION) throw noInvitation(`version ${version}`)
  const body = bytes.subarray(0, 1 + SECRET_BYTES)
  if (!crypto.equal(checksum(body), bytes.subarray(1 + SECRET_BYTES)))
    throw noInvitation('a checksum of something else')
  return roomSecret(body.subarray(1))
}

function checksum(body: Uint8Array): Uint8Array {
  return crypto.sha256(body).subarray(0, CHECKSUM_BYTES)
}

function noInvitation(found: string): Error {
  return clientError('ROOM_INVITATION', 'this is no invitation to a room', {
    expected: `${SCHEME} and ${INVITATION_CHARACTERS} characters, version ${VERSION}`,
    found,
    hint: 'copy the whole invitation again',
  })
}
