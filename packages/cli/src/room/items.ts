import type { RoomRun, RoomState } from '@sotto/client/rooms'
import type { NamedContract } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { printableLine } from '../terminal/index.ts'

/** Shortest beginning of a digest that stands for it. */
export const MIN_PREFIX = 6
const PREFIX = /^[0-9a-f]{6,64}$/
const WHOLE = /^[0-9a-f]{64}$/
/** As much of a digest as is shown where it is to be typed. */
const SHOWN = 12

/** A contract of the room, or a run. */
export type Item = { kind: 'contract'; contract: NamedContract } | { kind: 'run'; run: RoomRun }

/** The contract or run whose digest begins so. @throws `ROOM_ITEM`, `CLI_USAGE` */
export function findItem({ proposals, runs }: RoomState, prefix: string): Item {
  requirePrefix(prefix)
  const items: [digest: string, item: Item][] = [
    ...[...proposals].map(([digest, contract]): [string, Item] => [digest, { kind: 'contract', contract }]),
    ...[...runs].map(([digest, run]): [string, Item] => [digest, { kind: 'run', run }]),
  ]
  return only(items, prefix, 'contract or run')
}

/** The run whose digest begins so. @throws `ROOM_ITEM`, `CLI_USAGE` */
export function findRun({ runs }: RoomState, prefix: string): RoomRun {
  requirePrefix(prefix)
  return only([...runs], prefix, 'run')
}

/** The contract whose digest begins so. @throws `ROOM_ITEM`, `CLI_USAGE` */
export function findContract({ proposals }: RoomState, prefix: string): NamedContract {
  requirePrefix(prefix)
  return only([...proposals], prefix, 'contract')
}

/** The contract of a run. @throws `ROOM_ITEM` where the board has it not, or it knows no such run */
export function contractOfRun({ proposals }: RoomState, { run, offered }: RoomRun): NamedContract {
  const named = proposals.get(offered.offer.contract)
  if (named === undefined)
    throw cliError('ROOM_ITEM', `the room has no contract for the run ${short(run)}`, {
      expected: offered.offer.contract,
    })
  // Whoever brought it to the board may have made it up.
  if (!named.contract.transforms.some(({ name }) => name === offered.offer.transform))
    throw cliError('ROOM_ITEM', `the run ${short(run)} is of no computation of its contract`)
  return { contract: named.contract, digest: named.digest }
}

/**
 * Requires a whole digest where nobody is asked: with `--yes` nobody sees what the beginning of one turned out to name,
 * and any member can look for a contract or run that begins like another.
 * @throws `CLI_USAGE`
 */
export function requireWholeDigest(
  { global }: Pick<CommandContext, 'global'>,
  digest: string | undefined,
): void {
  if (!global.yes || (digest !== undefined && WHOLE.test(digest))) return
  throw cliError(
    'CLI_USAGE',
    'with --yes name it by its whole digest: nobody is asked whether it is the right one',
    {
      expected: '64 hexadecimal digits',
      found: digest === undefined ? 'no digest' : `${digest.length} characters`,
      hint: 'sotto room status --json shows whole digests; or leave --yes out, and answer at a terminal',
    },
  )
}

/** A digest as people type it. */
export function short(digest: string): string {
  return digest.slice(0, SHOWN)
}

/** A contract as a question names it: what it says is another's word. */
export function nameOfContract({ contract, digest }: NamedContract): string {
  return printableLine(`${short(digest)} (${contract.title})`)
}

/** A run as a question names it. */
export function nameOfRun({ contract }: NamedContract, { run, offered }: RoomRun): string {
  return printableLine(`${short(run)} (${offered.offer.transform} of ${contract.title})`)
}

function requirePrefix(prefix: string): void {
  if (PREFIX.test(prefix)) return
  throw cliError('CLI_USAGE', 'contracts and runs are named by their digest, or its beginning', {
    expected: `${MIN_PREFIX} to 64 hexadecimal digits`,
    hint: 'sotto room status shows them',
  })
}

function only<T>(all: readonly (readonly [digest: string, value: T])[], prefix: string, what: string): T {
  const found = all.filter(([digest]) => digest.startsWith(prefix))
  const [one] = found
  if (one !== undefined && found.length === 1) return one[1]
  throw cliError(
    'ROOM_ITEM',
    `${found.length === 0 ? 'no' : 'more than one'} ${what} begins with ${prefix}`,
    {
      ...(found.length > 1 && {
        found: found
          .slice(0, 4)
          .map(([digest]) => digest)
          .join(', '),
      }),
      hint: found.length === 0 ? 'sotto room status shows them' : 'give more digits',
    },
  )
}
