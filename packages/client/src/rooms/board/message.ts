import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { MAX_BOARD_MESSAGE_BYTES } from '@sotto/protocol/room'
import { clientError } from '../../errors.ts'
import { type RoomMessage, roomMessageDecoder } from './messages.ts'
import type { RoomSecret } from './secret.ts'

/** Sealed messages are of few lengths, so that a length tells little of what is in one. */
const PAD_BYTES = 1024
const LENGTH_BYTES = 4
const AROUND_BYTES = AEAD_NONCE_LENGTH + AEAD_TAG_LENGTH
const MAX_PADDED_BYTES = Math.floor((MAX_BOARD_MESSAGE_BYTES - AROUND_BYTES) / PAD_BYTES) * PAD_BYTES

/** A message where the board shows it, or that none can be read there. */
export type BoardEntry =
  | { readonly index: number; readonly message: RoomMessage }
  | { readonly index: number; /** Why, in words. */ readonly unreadable: string }

type MessageRoom = Pick<RoomSecret, 'board' | 'messageKey'>

/**
 * Seals a message of a room: nonce (12 bytes), then AES-256-GCM over the length (4 bytes, big-endian), the canonical JSON
 * and zeros up to a multiple of 1 KiB, bound to the board. Nonces are random: after 2^32 messages two would be the same
 * with a probability of 2^-33, and a room has 10000.
 * @throws `JCS_FIELD`, `ROOM_BOARD` for a message that nobody could read; `REQUEST_TOO_LARGE`
 */
export function sealMessage({ board, messageKey }: MessageRoom, message: RoomMessage): Uint8Array {
  const text = canonicalJson(roomMessageDecoder(board)(message, 'message'))
  const paddedBytes = Math.ceil((LENGTH_BYTES + text.length) / PAD_BYTES) * PAD_BYTES
  if (paddedBytes > MAX_PADDED_BYTES)
    throw clientError('REQUEST_TOO_LARGE', 'a message of a room is not as long', {
      expected: `at most ${MAX_PADDED_BYTES - LENGTH_BYTES} bytes`,
      found: `${text.length}`,
    })
  const padded = new Uint8Array(paddedBytes)
  padded.set(uint(text.length, LENGTH_BYTES))
  padded.set(text, LENGTH_BYTES)
  const nonce = crypto.randomBytes(AEAD_NONCE_LENGTH)
  return concat(nonce, messageKey.seal(nonce, associatedData(board), padded))
}

/**
 * The message that some member of this room sealed for this board. Whoever keeps the board can show it twice, late, or not
 * at all.
 * @param sealed bytes from anybody
 * @throws `ROOM_BOARD`
 */
export function openMessage({ board, messageKey }: MessageRoom, sealed: Uint8Array): RoomMessage {
  const paddedBytes = sealed.length - AROUND_BYTES
  if (paddedBytes <= 0 || paddedBytes > MAX_PADDED_BYTES || paddedBytes % PAD_BYTES !== 0)
    throw clientError('ROOM_BOARD', 'no message of a room has this length', {
      found: `${sealed.length} bytes`,
    })
  let padded: Uint8Array
  try {
    const nonce = sealed.subarray(0, AEAD_NONCE_LENGTH)
    padded = messageKey.open(nonce, associatedData(board), sealed.subarray(AEAD_NONCE_LENGTH))
  } catch (cause) {
    throw clientError('ROOM_BOARD', 'nobody of this room sealed this message for its board', { cause })
  }
  try {
    return decodeDocument(withoutPadding(padded), roomMessageDecoder(board), 'message', MAX_PADDED_BYTES)
  } catch (cause) {
    throw clientError('ROOM_BOARD', 'a member of this room sealed something that is no message', { cause })
  }
}

/** As {@link openMessage}, for one of many: what cannot be read is told, and keeps nobody from the rest. */
export function readEntry(room: MessageRoom, index: number, sealed: Uint8Array): BoardEntry {
  try {
    return { index, message: openMessage(room, sealed) }
  } catch (error) {
    return { index, unreadable: (error as Error).message }
  }
}

/** @throws TypeError where it is not padded as {@link sealMessage} does it: each message has one form */
function withoutPadding(padded: Uint8Array): Uint8Array {
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  const end = LENGTH_BYTES + length
  const isShortest = end <= padded.length && padded.length - end < PAD_BYTES
  if (!isShortest || padded.subarray(end).some((byte) => byte !== 0)) throw new Error('padded in another way')
  return padded.subarray(LENGTH_BYTES, end)
}

function associatedData(board: string): Uint8Array {
  return utf8(`sotto-room-message/1${board}`)
}
