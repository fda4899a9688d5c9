import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RoomSecret } from '@sotto/client/rooms'
import { writeWhole } from '@sotto/client/node'
import { configDirectory, type ConfigWorld } from '../config/index.ts'
import { cliError } from '../errors.ts'
import { cannotWritePrivate, createPrivateFile, readPrivateFile } from '../input/index.ts'
import {
  encodeSavedRoom,
  MAX_ROOM_FILE_BYTES,
  parseSavedRoom,
  ROOM_NAME,
  type SavedRoom,
} from './saved-room.ts'

/** Environment variable that names the room of one command. */
const VARIABLE = 'SOTTO_ROOM'
const LOSS = 'whoever loses the secret of a room is no member any more'
const HINT = 'sotto room ls shows the rooms of this machine'

/** A room of this user with its secret. */
export type OwnRoom = SavedRoom & { secret: RoomSecret }

/** Folder of a room, for its owner alone. Rooms are secret, so they lie with keys, and not with the state. */
export function roomFolder(world: ConfigWorld, name: string): string {
  if (!ROOM_NAME.test(name))
    // It is not repeated: an invitation may have been pasted there.
    throw cliError('CLI_USAGE', 'that is no name of a room', {
      expected: 'small letters, digits and hyphens, at most 63',
    })
  return join(configDirectory(world), 'rooms', name)
}

/** File with the secret of a room. @throws `CLI_USAGE` for what is no name */
export function roomFile(world: ConfigWorld, name: string): string {
  return join(roomFolder(world, name), 'room.json')
}

/** Names of the rooms there are, in order. */
export async function listRooms(world: ConfigWorld): Promise<string[]> {
  const names = await readdir(join(configDirectory(world), 'rooms')).catch(() => [])
  const found = await Promise.all(
    names.map(async (name) => (ROOM_NAME.test(name) && (await isThere(roomFile(world, name))) ? [name] : [])),
  )
  return found.flat().sort()
}

/** A room, if there is one of that name. @throws `CLI_FILE` damaged, or readable by others */
export async function findRoom(world: ConfigWorld, name: string): Promise<OwnRoom | undefined> {
  const file = roomFile(world, name)
  if (!(await isThere(file))) return undefined
  return parseSavedRoom(await readPrivateFile(file, { maxBytes: MAX_ROOM_FILE_BYTES, hint: HINT }), file)
}

/**
 * The room that is meant: by the flag, `SOTTO_ROOM`, or because there is no other.
 * @throws `ROOM_UNKNOWN`, `CLI_USAGE`, `CLI_FILE`
 */
export async function chooseRoom(world: ConfigWorld, flag: string | undefined): Promise<OwnRoom> {
  const wanted = flag ?? (world.env[VARIABLE] || undefined)
  if (wanted !== undefined) {
    const room = await findRoom(world, wanted)
    if (room !== undefined) return room
    throw cliError('ROOM_UNKNOWN', 'there is no room of that name on this machine', { hint: HINT })
  }
  const names = await listRooms(world)
  const [only] = names
  if (only === undefined)
    throw cliError('ROOM_UNKNOWN', 'there is no room on this machine yet', {
      hint: 'sotto room init makes one, sotto room join enters that of others',
    })
  if (names.length > 1)
    throw cliError('ROOM_UNKNOWN', 'there are several rooms on this machine', {
      found: names.slice(0, 8).join(', '),
      hint: `name one with --room, or set ${VARIABLE}`,
    })
  return (await findRoom(world, only))!
}

/** Keeps a new room: folder 0700, file 0600. A room that is there is never replaced. @throws `CLI_FILE` */
export async function createRoom(world: ConfigWorld, room: SavedRoom): Promise<string> {
  const file = roomFile(world, room.name)
  await makePrivateFolder(roomFolder(world, room.name))
  await createPrivateFile(file, encodeSavedRoom(room), LOSS)
  return file
}

/** Notes that this party has joined. @throws `CLI_FILE` */
export async function markJoined(world: ConfigWorld, { secret: _secret, ...room }: OwnRoom): Promise<void> {
  const file = roomFile(world, room.name)
  await writeWhole(file, encodeSavedRoom({ ...room, isJoined: true })).catch((cause: unknown) => {
    throw cannotWritePrivate(file, cause)
  })
}

/** Makes a folder that only this user may read. @throws `CLI_FILE` */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw cannotWritePrivate(join(folder, '.'), cause)
  })
}

function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    (entry) => entry.isFile(),
    () => false,
  )
}
