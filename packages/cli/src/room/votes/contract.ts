import { fingerprint, hasSameKeys, ownNameIn } from '@sotto/client/rooms'
import type { NamedContract, Party } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { EXIT } from '../../framework/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { viewContract } from '../contracts.ts'
import { describeContract } from '../describe/index.ts'
import { nameOfContract, short } from '../items.ts'
import type { Voting } from './types.ts'

/**
 * Shows a contract, and signs it where that was asked for. Every party of it has to be a member of the room with exactly
 * these keys, and the only one of its name: else outputs for one could be sealed to another.
 * @throws `ROOM_MEMBER`, `CLI_USAGE`; codes of contracts
 */
export async function voteOnContract(voting: Voting, named: NamedContract): Promise<number> {
  const { context, session, choice } = voting
  const { contract, digest } = named
  const { json } = context.global
  if (!json)
    for (const line of describeContract(named, { ownKey: session.own.key })) context.out(printableLine(line))
  if (choice === undefined) {
    if (json) context.json({ contract: digest, ...contract })
    return EXIT.ok
  }
  if (choice === 'no') {
    // Nobody is bound by not signing, so there is nothing to say no with.
    if (json) context.json({ contract: digest, vote: 'no', isSent: false })
    else context.out(`not signed: without your signature ${short(digest)} never runs`)
    await noteSignedBefore(voting, named)
    return EXIT.ok
  }
  requireMembers(voting, contract.parties)
  if (!(await context.confirm(`Sign the contract ${nameOfContract(named)}, for good?`))) {
    context.note('nothing was signed')
    return EXIT.failure
  }
  const view = await session.room.accept(named)
  const missing = contract.parties.map(({ name }) => name).filter((name) => !view.accepted.includes(name))
  if (json)
    context.json({ contract: digest, vote: 'yes', phase: view.phase, accepted: view.accepted, missing })
  else {
    context.out(`signed ${short(digest)}: ${view.phase}`)
    context.note(
      missing.length === 0
        ? `every party has signed; bring your data: sotto room data add INPUT FILE`
        : `${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} not signed yet`,
    )
  }
  return EXIT.ok
}

/** @throws `ROOM_MEMBER` */
function requireMembers({ session: { own }, state }: Voting, parties: readonly Party[]): void {
  const { members, conflicts } = state
  const me = parties.find(({ key }) => key === own.key)
  if (me === undefined)
    throw cliError('ROOM_MEMBER', 'you are no party of this contract', {
      expected: fingerprint(own),
      found: parties.map((party) => `${party.name} ${fingerprint(party)}`).join(', '),
    })
  if (!hasSameKeys(me, own))
    throw cliError('ROOM_MEMBER', 'the contract would seal what is yours to a key that is not yours', {
      expected: fingerprint(own),
      found: fingerprint(me),
      hint: 'tell the others: somebody wrote a contract with another key in your name',
    })
  for (const party of parties) {
    const member = members.get(party.name)?.party
    if (party.key === own.key || hasSameKeys(member, party)) continue
    throw cliError('ROOM_MEMBER', `${party.name} of this contract is not the member of that name`, {
      expected: member === undefined ? 'nobody: no such member has joined' : fingerprint(member),
      found: fingerprint(party),
      hint: 'ask the others who wrote it; sotto room status shows the members',
    })
  }
  // Whoever came first need not be the one that this party means.
  const disputed = conflicts.find((one) => parties.some(({ name }) => name === one.party.name))?.party
  if (disputed === undefined) return
  const first = members.get(disputed.name)?.party
  throw cliError('ROOM_MEMBER', `two in this room call themselves ${disputed.name}`, {
    found: [first, disputed].flatMap((party) => (party ? [fingerprint(party)] : [])).join(' and '),
    hint: 'ask them which fingerprint is right; then propose it in a new room, or under another name',
  })
}

async function noteSignedBefore({ context, session }: Voting, named: NamedContract): Promise<void> {
  const own = ownNameIn(named.contract, session.own.key)
  if (own === undefined) return
  const view = await viewContract(session, named)
  if (view?.accepted.includes(own))
    context.warn(
      `you signed ${short(named.digest)} before, and that holds; to end it: sotto room withdraw execution ${short(named.digest)}`,
    )
}
