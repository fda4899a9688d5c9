import { fromBase64Url, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { CONTRACT_NAME, type Name, type Party } from '@sotto/protocol/contract'
import { type DsseEnvelope, parseDsse, signDsse, verifySoleDsse } from '@sotto/protocol/dsse'
import { base64url, type Decoder, hex, integer, literal, object, text } from '@sotto/protocol/jcs'
import { decodeDocument, encodeDocument, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { clientError } from '../../errors.ts'
import type { RoomParty } from '../party.ts'

/** DSSE payload type of a {@link Membership}. */
export const MEMBER_TYPE = 'application/vnd.sotto.room-member+json'

/** "I take part in this room under this name, with these keys." */
export interface Membership {
  format: 'sotto-room-member/1'
  /** Board of the room: 32 bytes, hexadecimal. */
  board: string
  party: Party
  at: UnixSeconds
}

/** Name of a party. */
export const partyName: Decoder<Name> = text(32, CONTRACT_NAME)

/** Decodes a {@link Party}. @throws `JCS_FIELD` */
export const partyDecoder: Decoder<Party> = object<Party>({
  name: partyName,
  key: base64url(32),
  sealTo: base64url(WRAP_SUITE.kem.publicKeyLength),
})

const membershipDecoder: Decoder<Membership> = object<Membership>({
  format: literal('sotto-room-member/1'),
  board: hex(32),
  party: partyDecoder,
  at: integer(1),
})

/** Signs that a party takes part in a room. */
export function signMembership(
  { board, name, at }: { board: string; name: Name; at: UnixSeconds },
  party: RoomParty,
): string {
  const membership: Membership = { format: 'sotto-room-member/1', board, party: party.as(name), at }
  return fromUtf8(signDsse(MEMBER_TYPE, encodeDocument(membership), [party.signer]))
}

/**
 * Who takes part in the room of `board`: the key that it names has signed that, and nobody else has. Whether the person
 * behind that key is who the name says, members have to ask each other.
 * @throws `ROOM_BOARD`
 */
export function verifyMembership(envelope: string, board: string): Membership {
  let parsed: DsseEnvelope
  let membership: Membership
  try {
    parsed = parseDsse(utf8(envelope))
    membership = decodeDocument(parsed.payload, membershipDecoder, 'membership')
  } catch (cause) {
    throw clientError('ROOM_BOARD', 'this is no membership of a room', { cause })
  }
  if (membership.board !== board)
    throw clientError('ROOM_BOARD', 'the membership is of another room', {
      expected: board,
      found: membership.board,
    })
  try {
    verifySoleDsse(parsed, MEMBER_TYPE, [fromBase64Url(membership.party.key)])
  } catch (cause) {
    throw clientError('ROOM_BOARD', `the key that is named did not sign for ${membership.party.name}`, {
      cause,
    })
  }
  return membership
}

/** Whether two are the same party in every member. */
export function isSameParty(one: Party, other: Party): boolean {
  return one.name === other.name && one.key === other.key && one.sealTo === other.sealTo
}
