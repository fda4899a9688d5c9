import { ownNameIn, type RoomState } from '@sotto/client/rooms'
import type { Contract, ContractView, NamedContract } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'
import { fewAtOnce } from './few-at-once.ts'
import { findContract, short } from './items.ts'
import { isRefusal, type RoomSession } from './session.ts'

/** Flag of commands that are about one contract. */
export const CONTRACT_FLAG = {
  contract: {
    type: 'string',
    value: 'DIGEST',
    summary: 'which contract, or the beginning of its digest (default: the only one that fits)',
  },
} as const

/** Where a contract stands, as the KMS says; undefined while nobody has signed it. */
export async function viewContract(
  { room }: RoomSession,
  named: NamedContract,
): Promise<ContractView | undefined> {
  try {
    return await room.view(named)
  } catch (error) {
    if (isRefusal(error, 'KMS_CONTRACT_UNKNOWN')) return undefined
    throw error
  }
}

/** Requires this party to have signed a contract before it acts under it. @throws `ROOM_STATE` */
export async function requireSigned(session: RoomSession, named: NamedContract): Promise<void> {
  const name = ownNameIn(named.contract, session.own.key)
  const view = await viewContract(session, named)
  if (name !== undefined && view?.accepted.includes(name)) return
  throw cliError('ROOM_STATE', `you have not signed the contract ${short(named.digest)}`, {
    hint: `read it and sign it first: sotto room vote ${short(named.digest)} yes`,
  })
}

/** Contracts of the room that this party takes part in, at the KMS of this room, in the order of the board. */
function ownContracts(
  { proposals }: RoomState,
  { own, genesis }: Pick<RoomSession, 'own' | 'genesis'>,
): NamedContract[] {
  return [...proposals.values()]
    .filter(({ contract }) => contract.genesis === genesis && ownNameIn(contract, own.key) !== undefined)
    .map(({ contract, digest }) => ({ contract, digest }))
}

/**
 * The contract that is meant: by its digest, because it is the only one that fits, or the only one of those in force.
 * @param what it has to have, for the error
 * @throws `ROOM_ITEM`, `CLI_USAGE`; codes of contracts
 */
export async function chooseContract(
  session: RoomSession,
  state: RoomState,
  wanted: string | undefined,
  what = 'contract of yours',
  fits: (contract: Contract) => boolean = () => true,
): Promise<NamedContract> {
  if (wanted !== undefined) {
    const named = findContract(state, wanted)
    if (ownNameIn(named.contract, session.own.key) !== undefined && fits(named.contract)) return named
    throw cliError('ROOM_ITEM', `${short(named.digest)} is no ${what}`, { hint: HINT })
  }
  const fitting = ownContracts(state, session).filter(({ contract }) => fits(contract))
  if (fitting.length < 2) return requireOne(fitting, what)
  const views = await fewAtOnce(fitting, (named) => viewContract(session, named))
  const inForce = fitting.filter((_, at) => ['accepted', 'running'].includes(views[at]?.phase ?? ''))
  return requireOne(inForce.length === 0 ? fitting : inForce, what)
}

const HINT = 'sotto room status shows the contracts of the room'

function requireOne(all: readonly NamedContract[], what: string): NamedContract {
  const [one] = all
  if (one !== undefined && all.length === 1) return one
  throw cliError('ROOM_ITEM', `${one === undefined ? 'there is no' : 'there is more than one'} ${what}`, {
    ...(one !== undefined && { found: all.map(({ digest }) => short(digest)).join(', ') }),
    hint: one === undefined ? HINT : 'name one by its digest',
  })
}
