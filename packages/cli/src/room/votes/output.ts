import { join, resolve } from 'node:path'
import { type OpenedOutput, ownNameIn, type RoomRun } from '@sotto/client/rooms'
import { fromUtf8, toBase64 } from '@sotto/protocol/bytes'
import { type NamedContract, planRun } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { EXIT } from '../../framework/index.ts'
import { formatBytes } from '../../terminal/index.ts'
import { nameOfRun, short } from '../items.ts'
import { missingApprovals } from '../missing.ts'
import { writePrivate } from '../output-files.ts'
import { findProven } from '../proven.ts'
import type { RoomSession } from '../session.ts'
import type { Voting } from './types.ts'

/** Longer results are for a file. */
const MAX_SHOWN_BYTES = 1_048_576

/**
 * Whether a result of this run waits for this owner's word. Any member can post a view that says so or one that hides it,
 * so this owner has to have consented, which it signed, and the run must not be proven to be done.
 * @throws `ROOM_UNAVAILABLE`
 */
export async function waitsForReview(
  session: Pick<RoomSession, 'own' | 'sotto'>,
  named: NamedContract,
  run: RoomRun,
): Promise<boolean> {
  const name = ownNameIn(named.contract, session.own.key)
  if (name === undefined || !run.consents.has(name)) return false
  if (!run.views.some(({ view }) => view.state === 'waiting' && view.review.length > 0)) return false
  if (!planRun(named.contract, run.offered.offer.transform).reviewers.includes(name)) return false
  return (await findProven(session, named, run)) === undefined
}

/**
 * Opens outputs that wait for this owner, shows them or writes them to a folder, and lets them out or not where that was
 * asked for.
 * @throws `CLI_FILE`, `CLI_USAGE`; codes of rooms
 */
export async function voteOnOutputs(voting: Voting, named: NamedContract, run: RoomRun): Promise<number> {
  const { context, session, choice, out } = voting
  const { json } = context.global
  const outputs = await session.room.review(named, run)
  if (outputs.length === 0)
    throw cliError('ROOM_STATE', `no output of ${short(run.run)} is sealed to you`, {
      hint: 'whoever began the run has to show it: sotto room run --go',
    })
  const written = out === undefined ? undefined : await write(voting, run, outputs)
  if (!json) await print(voting, outputs)
  if (choice === undefined) {
    if (json) context.json({ run: run.run, outputs: written ?? outputs.map(inline) })
    return EXIT.ok
  }
  const receivers = namesOf(named, outputs)
  const what = `the result of ${nameOfRun(named, run)}`
  const question =
    choice === 'yes'
      ? `Let ${what} out to ${receivers.join(', ')}?`
      : `Refuse ${what}? The run then ends without one.`
  if (!(await context.confirm(question))) {
    context.note('nothing was signed')
    return EXIT.failure
  }
  await session.room.decide(named, run, outputs, choice === 'yes' ? 'release' : 'refuse')
  const own = ownNameIn(named.contract, session.own.key)
  const missing = choice === 'no' ? [] : missingApprovals(named, run).filter((name) => name !== own)
  if (json) context.json({ run: run.run, vote: choice, missing })
  else context.out(choice === 'yes' ? `let out: ${short(run.run)}` : `refused: ${short(run.run)}`)
  context.note(
    missing.length === 0
      ? `whoever waits with sotto room run brings it to the room, or: sotto room run --go ${short(run.run)}`
      : `${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} not looked yet`,
  )
  return EXIT.ok
}

async function write(
  { context, out = '' }: Voting,
  { run }: RoomRun,
  outputs: readonly OpenedOutput[],
): Promise<object[]> {
  const folder = join(resolve(context.io.cwd, out), short(run))
  const written: object[] = []
  for (const { name, content } of outputs) {
    const { file } = await writePrivate(folder, name, content)
    written.push({ output: name, bytes: content.length, file })
  }
  return written
}

async function print({ context, out, choice }: Voting, outputs: readonly OpenedOutput[]): Promise<void> {
  for (const { name, content } of outputs) {
    context.note(`${name}: ${formatBytes(content.length)}${out === undefined ? '' : `, written to ${out}`}`)
    if (out !== undefined) continue
    const text = textOf(content)
    if (text !== undefined) {
      const foreign = context.foreign()
      await foreign.write(text)
      await foreign.end()
    } else if (choice !== 'no')
      throw cliError('CLI_USAGE', `${name} is not for a terminal: it is long, or no text`, {
        hint: 'write it to a private file with --out DIR, and look at it there',
      })
  }
}

function inline({ name, content }: OpenedOutput): object {
  if (content.length > MAX_SHOWN_BYTES)
    throw cliError('CLI_USAGE', `${name} is long`, { hint: 'write it to a private file with --out DIR' })
  const text = textOf(content)
  const shown = text === undefined ? { base64: toBase64(content) } : { text }
  return { output: name, bytes: content.length, ...shown }
}

function textOf(content: Uint8Array): string | undefined {
  if (content.length > MAX_SHOWN_BYTES) return undefined
  try {
    return fromUtf8(content)
  } catch {
    return undefined
  }
}

function namesOf({ contract }: NamedContract, outputs: readonly OpenedOutput[]): string[] {
  const names = outputs.map(({ name }) => name)
  const found = contract.outputs.filter(({ name }) => names.includes(name))
  return [...new Set(found.flatMap(({ receivers }) => receivers))]
}
