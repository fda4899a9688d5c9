import { fingerprint, hasSameKeys, parseInvitation, type RoomSecret } from '@sotto/client/rooms'
import { equalBytes } from '@sotto/protocol/bytes'
import { CONTRACT_NAME } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { openOwner, ownerKeyFile } from '../../owner/index.ts'
import {
  createRoom,
  enterRoom,
  findRoom,
  markJoined,
  type OwnRoom,
  readParty,
  type RoomSession,
} from '../../room/index.ts'
import { resolveTarget, type TargetFlags } from '../../service/index.ts'

/** Flag of both ways into a room. */
export const AS_FLAG = {
  as: { type: 'string', value: 'PARTY', summary: 'what the others call you: small letters, digits, hyphens' },
} as const

/** Who enters which room. */
export interface Entry {
  /** What this user calls the room. */
  name: string
  party: string
  /** Text of the secret. */
  invitation: string
  /** `--key`. */
  key: string | undefined
}

/** The name of this party. @throws `CLI_USAGE` */
export function requireParty(as: string | undefined): string {
  if (as !== undefined && as.length <= 32 && CONTRACT_NAME.test(as)) return as
  throw cliError('CLI_USAGE', as === undefined ? 'say what the others call you' : '--as takes a name', {
    expected: 'small letters, digits and hyphens, a letter first, at most 32',
    hint: 'pass --as PARTY, for instance --as bank',
  })
}

/**
 * Keeps a room before anything is sent, so that nothing is lost with the connection: the same command goes on after it
 * was interrupted.
 * @throws `ROOM_EXISTS`, `CLI_FILE`, `CLI_USAGE`; codes of the service
 */
export async function keepRoom(
  context: CommandContext,
  { name, party, invitation, key }: Entry,
  flags: TargetFlags,
): Promise<{ saved: OwnRoom; session: RoomSession }> {
  const { io } = context
  const before = await findRoom(io, name)
  if (before !== undefined) requireSameEntry(before, invitation)
  // The key is made on first use: whoever has it is this party.
  const keyFile = key === undefined && before ? before.key : ownerKeyFile(io, key)
  const { isNew } = await openOwner(keyFile)
  if (isNew) context.note(`made your key: ${keyFile}; keep a copy of it where nobody else reads it`)
  const { host, gateway, log, policyPath } = await resolveTarget(context, flags)
  const saved: OwnRoom = {
    format: 'sotto-room-file/1',
    name,
    party,
    invitation,
    key: keyFile,
    // Of the last attempt: the one before may have been at the wrong place.
    service: { host, gateway, policy: policyPath, ...(log !== undefined && { log }) },
    isJoined: false,
    secret: parseInvitation(invitation),
  }
  const own = await readParty(keyFile)
  if (before === undefined) {
    const { secret: _secret, ...file } = saved
    await createRoom(io, file)
  }
  return { saved, session: await enterRoom(context, saved, own, flags) }
}

/**
 * A room that is there already is gone on with only where joining was interrupted. It may be under another name: that of
 * before may be somebody else's.
 */
function requireSameEntry(before: OwnRoom, invitation: string): void {
  if (!before.isJoined && isSameSecret(before.secret, invitation)) return
  throw cliError('ROOM_EXISTS', `there is a room ${before.name} on this machine already`, {
    hint: 'choose another name for this one',
  })
}

function isSameSecret(secret: RoomSecret, invitation: string): boolean {
  return equalBytes(secret.secret, parseInvitation(invitation).secret)
}

/** Says that this party takes part, unless the board says so already. @throws `ROOM_MEMBER` the name or the key is another member's */
export async function joinOnce(
  context: CommandContext,
  {
    saved,
    session,
  }: {
    saved: OwnRoom
    session: RoomSession
  },
): Promise<void> {
  const { own, room } = session
  const { members } = await room.state()
  const taken = members.get(own.name)?.party
  const isMember = hasSameKeys(taken, own)
  if (taken !== undefined && !isMember)
    throw cliError('ROOM_MEMBER', `somebody else in this room is called ${own.name}`, {
      expected: fingerprint(own),
      found: fingerprint(taken),
      hint: 'if that is not your other key, ask who it is; otherwise join with another --as',
    })
  const other = [...members.values()].find(({ party }) => party.key === own.key && party.name !== own.name)
  if (other !== undefined)
    throw cliError('ROOM_MEMBER', `you are in this room already, as ${other.party.name}`, {
      hint: `join as ${other.party.name}, or with another --key`,
    })
  if (!isMember) await room.join()
  await markJoined(context.io, saved)
}
