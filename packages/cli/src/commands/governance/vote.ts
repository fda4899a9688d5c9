import { type Ballot, majorityOf, signMemberJws } from '@sotto/protocol/governance'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand, EXIT } from '../../framework/index.ts'
import {
  type Governance,
  MEMBER_FLAGS,
  openDesk,
  openMember,
  printEffect,
  readAnswer,
  readProposal,
  voteAnswerDecoder,
} from '../../governance/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** Shortest beginning of an identifier that stands for it. */
const MIN_PREFIX = 8

/** `sotto vote ID accept|reject` */
export const vote: Command = defineCommand({
  path: ['vote'],
  summary: 'Vote on a proposal',
  description:
    'Shows what you vote for, proven to be what its author signed for the KMS that your policy pins, and asks ' +
    'before it signs. A vote is final: the first one counts. What enough members accept comes true at once. ' +
    '--json asks nothing and shows nothing first, so it wants --yes: read sotto proposals ID --json before.',
  arguments: [
    { name: 'ID', summary: 'identifier of the proposal, or its beginning', required: true },
    { name: 'CHOICE', summary: 'accept or reject', required: true },
  ],
  flags: MEMBER_FLAGS,
  examples: [
    'sotto vote 3f8a91c2d4e5 accept --key alice.key',
    'sotto vote 3f8a91c2d4e5 reject --key alice.key --yes',
  ],
  async run(context, [wanted, choice], flags) {
    if (choice !== 'accept' && choice !== 'reject')
      throw cliError('CLI_USAGE', 'a vote is accept or reject', { found: choice ?? '' })
    if (context.global.json && !context.global.yes)
      throw cliError('CLI_USAGE', 'with --json nothing is shown before you vote', {
        hint: 'look at it with sotto proposals ID, then pass --yes',
      })
    const desk = await openDesk(context, flags)
    const { signer, name } = await openMember(context, flags.key, desk)
    const { governance, kmsUrl, ask } = desk
    const id = findId(governance, wanted!)
    const shown = await readProposal(kmsUrl, id, governance, ask)
    if (!('statement' in shown))
      throw cliError('CLI_REQUEST', `the proposal is closed: ${shown.outcome}`, { found: id })
    const { kind, author } = shown
    if (!context.global.json) {
      context.out(printableLine(`${kind}, proposed by ${author}: ${id}`))
      printEffect(context, shown.statement.document, governance)
    }
    if (!(await context.confirm(`${choice} it as ${name}?`))) {
      context.note('nothing was signed')
      return EXIT.failure
    }
    const ballot: Ballot = {
      version: 1,
      genesis: governance.inForce.genesis,
      proposal: id,
      choice,
      castAt: Math.floor(context.io.now() / 1000),
    }
    const answer = readAnswer(
      await ask(`${kmsUrl}/v1/ballots`, { ballot: signMemberJws('ballot', ballot, signer) }),
      voteAnswerDecoder,
    )
    const outcome = answer.outcome ?? 'open'
    const { accepted, rejected } = answer
    const majority = majorityOf(governance.inForce, shown.statement.document.kind)
    if (context.global.json)
      context.json({
        id,
        kind,
        choice,
        member: name,
        outcome,
        majority,
        accepted,
        rejected,
        proposal: shown.statement.document,
      })
    else {
      context.out(
        printableLine(
          outcome === 'open'
            ? `voted: ${accepted.length} of ${majority} accepted, ${rejected.length} rejected`
            : `voted: the proposal is ${outcome}`,
        ),
      )
    }
    return EXIT.ok
  },
})

/** The open or closed proposal of this identifier or beginning of one. */
function findId({ open, closed }: Governance, wanted: string): string {
  const ids = [...open, ...closed].map(({ id }) => id)
  const found = ids.filter((id) => id === wanted || (wanted.length >= MIN_PREFIX && id.startsWith(wanted)))
  if (found.length === 1) return found[0]!
  throw cliError(
    'CLI_USAGE',
    found.length === 0 ? 'there is no such proposal' : 'several proposals begin like that',
    {
      found: wanted,
      hint: `sotto proposals lists them; at least ${MIN_PREFIX} characters stand for one`,
    },
  )
}
