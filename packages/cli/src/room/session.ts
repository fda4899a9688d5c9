import type { Sotto } from '@sotto/client'
import {
  type Room,
  type RoomParty,
  roomParty,
  type RoomState,
  fingerprint,
  hasSameKeys,
} from '@sotto/client/rooms'
import type { Party } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'
import type { CommandContext, FlagValues } from '../framework/index.ts'
import { ownerKeyFile, readOwner } from '../owner/index.ts'
import { openService, resolveTarget, TARGET_FLAGS, type TargetFlags } from '../service/index.ts'
import { chooseRoom, type OwnRoom } from './rooms-folder.ts'

/** Flag of every command that acts for a party. */
export const KEY_FLAG = {
  key: {
    type: 'string',
    value: 'FILE',
    summary: 'your key, PEM (default: as for sotto models owner, later the one you joined with)',
  },
} as const

/** Flags of every command in a room. */
export const ROOM_FLAGS = {
  room: { type: 'string', value: 'NAME', summary: 'which room (SOTTO_ROOM, default: the only one here)' },
  ...KEY_FLAG,
  host: { ...TARGET_FLAGS.host, summary: 'relay to use this once (default: the one of the room)' },
  gateway: { ...TARGET_FLAGS.gateway, summary: 'gateway at the relay (default: the one of the room)' },
  log: { ...TARGET_FLAGS.log, summary: 'where the log serves its tiles (default: as the room has it)' },
  policy: { ...TARGET_FLAGS.policy, summary: 'trust policy: what you accept (default: the one of the room)' },
} as const

/** Values of {@link ROOM_FLAGS}. */
export type RoomFlags = FlagValues<typeof ROOM_FLAGS>

/** A room that was opened through a verified service. */
export interface RoomSession {
  saved: OwnRoom
  party: RoomParty
  /** This party as contracts name it. */
  own: Party
  sotto: Sotto
  room: Room
  genesis: Digest
}

/** Opens the room that is meant, as whoever joined it. @throws `ROOM_UNKNOWN`, `ROOM_STATE` joining was interrupted; codes of the service */
export async function openSession(context: CommandContext, flags: RoomFlags): Promise<RoomSession> {
  const saved = await chooseRoom(context.io, flags.room)
  if (!saved.isJoined)
    throw cliError('ROOM_STATE', `you have not joined ${saved.name} yet: that was interrupted`, {
      hint: 'run sotto room init or join again, as before',
    })
  const file = flags.key === undefined ? saved.key : ownerKeyFile(context.io, flags.key)
  return enterRoom(context, saved, await readParty(file), flags)
}

/** Opens a room for this party, joined or not. Flags are for this command; what is saved is for all others. */
export async function enterRoom(
  context: CommandContext,
  saved: OwnRoom,
  party: RoomParty,
  flags: TargetFlags,
): Promise<RoomSession> {
  const target: TargetFlags = {
    host: flags.host ?? saved.service.host,
    gateway: flags.gateway ?? saved.service.gateway,
    log: flags.log ?? saved.service.log,
    policy: flags.policy ?? saved.service.policy,
  }
  context.onFailure(async (error) =>
    error.found === 'BOARD_OWNER' || error.found === 'KMS_OWNER_UNKNOWN'
      ? `the operator has to admit your key: give it ${party.key}; its members decide with sotto propose owners; a local stack takes it with sotto up --admit`
      : undefined,
  )
  const { policy } = await resolveTarget(context, target)
  const sotto = await openService(context, target)
  const room = await sotto.rooms.open({ secret: saved.secret, party, name: saved.party })
  return { saved, party, own: party.as(saved.party), sotto, room, genesis: policy.genesis }
}

/** The party of a key file. @throws `CLI_FILE` */
export async function readParty(file: string): Promise<RoomParty> {
  const { signer } = await readOwner(file)
  return roomParty(signer.secretSeed)
}

/** The room as its board tells it; says loudly where names are in dispute. */
export async function readState(context: CommandContext, { room, own }: RoomSession): Promise<RoomState> {
  const state = await room.state()
  announceConflicts(context, state, own)
  return state
}

/** Two who signed for one name are never just shown: people have to find out which of them is right. */
export function announceConflicts(
  context: CommandContext,
  { members, conflicts }: RoomState,
  own: Party,
): void {
  for (const { party } of conflicts) {
    const first = members.get(party.name)?.party
    const [mine, other] = hasSameKeys(own, party) ? [party, first] : [first, party]
    context.warn(
      `WARNING: two who call themselves ${party.name} are in this room: ${mine ? fingerprint(mine) : 'nobody'} and ` +
        `${other ? fingerprint(other) : 'nobody'}; ask them which fingerprint is right before you accept anything`,
    )
  }
}

/** Whether a KMS or room says so with this code of its own. */
export function isRefusal(error: unknown, own: string): boolean {
  return hasCode(error, 'ROOM_REFUSED') && error.found === own
}
