import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  contractOfRun,
  findItem,
  openSession,
  readState,
  requireLine,
  requireWholeDigest,
  ROOM_FLAGS,
  short,
  voteOnContract,
  voteOnOutputs,
  voteOnRun,
  waitsForReview,
} from '../../room/index.ts'
import type { Voting } from '../../room/votes/index.ts'

/** `sotto room vote ITEM yes|no` */
export const roomVote: Command = defineCommand({
  path: ['room', 'vote'],
  summary: 'Sign a contract, consent to a run, let a result out; or not',
  description:
    'ITEM is a contract or a run, by the beginning of its digest. Shows what it is before it asks. Yes to a contract signs\n' +
    'it, for good. Yes to a run consents to exactly that run in exactly that room, whose evidence is verified first. Where\n' +
    'a result waits for you to look at it, it is opened, and yes lets it out; where nobody is asked, that wants --result, so\n' +
    'that no consent becomes one. --json shows nothing first, so it wants --yes, and --yes wants the whole digest.',
  arguments: [
    { name: 'ITEM', summary: 'digest of a contract or run, or its beginning (6 digits)', required: true },
    { name: 'CHOICE', summary: 'yes or no', required: false, choices: ['yes', 'no'] },
  ],
  flags: {
    reason: { type: 'string', value: 'TEXT', summary: 'with no: one line for the others' },
    show: { type: 'boolean', summary: 'only show what it is' },
    result: { type: 'boolean', summary: 'the vote is about the result of a run (always said with --yes)' },
    out: { type: 'string', value: 'DIR', summary: 'write results to look at to private files there' },
    ...ROOM_FLAGS,
  },
  examples: [
    'sotto room vote 3f8a91c2d4e5 --show',
    'sotto room vote 3f8a91c2d4e5 yes',
    'sotto room vote 3f8a91c2d4e5 no --reason "not this month"',
  ],
  async run(context, [wanted = '', choice], flags) {
    if (choice !== undefined && choice !== 'yes' && choice !== 'no')
      throw cliError('CLI_USAGE', 'a vote is yes or no', { found: choice })
    if ((choice === undefined) !== flags.show)
      throw cliError('CLI_USAGE', flags.show ? '--show does not vote' : 'say yes or no, or pass --show')
    if (context.global.json && choice !== undefined && !context.global.yes)
      throw cliError('CLI_USAGE', 'with --json nothing is shown before you vote', {
        hint: 'look at it with --show, then pass --yes',
      })
    if (choice !== undefined) requireWholeDigest(context, wanted)
    const reason = requireLine('--reason', flags.reason)
    const session = await openSession(context, flags)
    const state = await readState(context, session)
    const item = findItem(state, wanted)
    const voting: Voting = { context, session, state, choice, reason, out: flags.out }
    if (item.kind === 'contract') {
      requireMatch(context, flags, { choice, isResult: false, digest: item.contract.digest })
      return voteOnContract(voting, { contract: item.contract.contract, digest: item.contract.digest })
    }
    const named = contractOfRun(state, item.run)
    const isResult = await waitsForReview(session, named, item.run)
    requireMatch(context, flags, { choice, isResult, digest: item.run.run })
    return isResult ? voteOnOutputs(voting, named, item.run) : voteOnRun(voting, named, item.run)
  },
})

/**
 * What waits may have changed since somebody wrote a command down: a consent must not become the release of a result.
 * @throws `CLI_USAGE`
 */
function requireMatch(
  { io, global }: CommandContext,
  { result }: { result: boolean },
  { choice, isResult, digest }: { choice: 'yes' | 'no' | undefined; isResult: boolean; digest: string },
): void {
  if (result && !isResult)
    throw cliError('CLI_USAGE', `no result of ${short(digest)} waits for you`, {
      hint: 'leave --result out to vote on the contract or run itself; sotto room status shows what waits',
    })
  const isAsked = !global.yes && io.stdin.isTerminal && io.stderr.isTerminal
  if (choice === undefined || result || !isResult || isAsked) return
  throw cliError('CLI_USAGE', `a result of ${short(digest)} waits for you, and nobody is asked about it`, {
    hint: `look at it with --show; then: sotto room vote ${digest} ${choice} --result --yes`,
  })
}
