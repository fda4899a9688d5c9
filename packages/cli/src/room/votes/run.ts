import { ownNameIn, type RoomRun } from '@sotto/client/rooms'
import { type NamedContract, planRun } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { EXIT } from '../../framework/index.ts'
import { SOFTWARE_BANNER } from '../../service/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { viewContract } from '../contracts.ts'
import { describeRun } from '../describe/index.ts'
import { nameOfRun, short } from '../items.ts'
import { missingConsents } from '../missing.ts'
import type { Voting } from './types.ts'

/**
 * Verifies the room of a run and shows what it would do, and consents or declines where that was asked for.
 * @throws `ROOM_OFFER` the room or the run does not pass; `ROOM_STATE` not this party's to say; codes of contracts
 */
export async function voteOnRun(voting: Voting, named: NamedContract, run: RoomRun): Promise<number> {
  const { context, session, choice, reason } = voting
  const { json } = context.global
  const digest = run.run
  if (choice === 'no') {
    // A room that does not pass is a good reason.
    await session.room.decline(run, reason)
    if (json) context.json({ run: digest, vote: 'no', reason: reason ?? null })
    else context.out(`declined ${short(digest)}: without your consent it does not run`)
    const own = ownNameIn(named.contract, session.own.key)
    if (own !== undefined && run.consents.has(own))
      context.warn('you consented before, and that holds while the offer does')
    return EXIT.ok
  }
  const judged = await session.room.judge(named, run)
  const view = await viewContract(session, named)
  if (!json) for (const line of describeRun(named, run, judged, view)) context.out(printableLine(line))
  const isSoftware = judged.room.hardware.some((chip) => chip.startsWith('software'))
  if (isSoftware) context.warn(`warning: this room: ${SOFTWARE_BANNER}`)
  if (choice === undefined) {
    const { offer } = run.offered
    if (json) context.json({ run: digest, offer, room: judged.room, isSoftware, left: view?.left ?? [] })
    return EXIT.ok
  }
  const own = requireOwner(voting, named, run)
  if (run.consents.has(own)) {
    if (json) context.json({ run: digest, vote: 'yes', missing: missingConsents(named, run) })
    else context.out(`you consented to ${short(digest)} before`)
    return EXIT.ok
  }
  if (!(await context.confirm(`Let this room compute ${nameOfRun(named, run)} on your data?`))) {
    context.note('nothing was signed')
    return EXIT.failure
  }
  await session.room.consent(named, run)
  const missing = missingConsents(named, run).filter((name) => name !== own)
  if (json) context.json({ run: digest, vote: 'yes', missing })
  else {
    context.out(`consented to ${short(digest)}`)
    context.note(
      missing.length === 0
        ? `every owner has consented: sotto room run --go ${short(digest)}`
        : `${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} not consented yet`,
    )
  }
  return EXIT.ok
}

/** What the contract calls this party, whose data the run reads. @throws `ROOM_STATE` */
function requireOwner({ session }: Voting, named: NamedContract, { run, offered }: RoomRun): string {
  const own = ownNameIn(named.contract, session.own.key)
  const { owners } = planRun(named.contract, offered.offer.transform)
  if (own !== undefined && owners.includes(own)) return own
  throw cliError('ROOM_STATE', `the run ${short(run)} reads nothing of yours: it needs no consent of you`, {
    expected: owners.join(', '),
    found: own ?? 'no party of its contract',
  })
}
