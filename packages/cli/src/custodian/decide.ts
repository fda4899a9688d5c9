import { utf8 } from '@sotto/protocol/bytes'
import { custodianKeyDigest, shareSetDecoder } from '@sotto/protocol/custody'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { acceptsSoftware, refusingSteps, type TrustPolicy } from '@sotto/verifier'
import { type CustodyEvidence, type CustodyVerdict, verifyCustody } from '@sotto/verifier/custody'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { type Ask, KMS_FLAGS, resolveKms } from '../governance/index.ts'
import { LOG_FLAGS, resolveLogUrl } from '../log/index.ts'
import { SOFTWARE_BANNER } from '../service/index.ts'
import { formatSteps } from '../terminal/index.ts'
import type { OpenedCustodian } from './key-file.ts'
import { readCustodyLog, type ReadLog } from './read-log.ts'

/** Flags of every custodian's command that talks to a KMS. */
export const CUSTODY_FLAGS = {
  ...KMS_FLAGS,
  log: LOG_FLAGS.log,
} as const

/** Values of {@link CUSTODY_FLAGS}. */
export interface CustodyFlags {
  kms?: string | undefined
  log?: string | undefined
  policy?: string | undefined
}

/** A KMS to be judged, the log, and what this custodian accepts. */
export interface CustodyDesk {
  kmsUrl: string
  ask: Ask
  policy: TrustPolicy
  log: URL
}

/** @throws `CLI_USAGE`, `CLI_CONFIG` */
export async function openCustodyDesk(context: CommandContext, flags: CustodyFlags): Promise<CustodyDesk> {
  const kms = await resolveKms(context, flags)
  return { ...kms, log: await resolveLogUrl(context, { log: flags.log }) }
}

/** What was decided, and the log it was decided by. */
export interface Decided {
  share: NonNullable<CustodyVerdict['share']>
  log: ReadLog
}

/**
 * Judges a KMS as T15 asks before a share is opened, and says every step of it.
 * @throws `CLI_REFUSED` naming the failed steps; nothing was opened
 */
export async function decide(
  context: CommandContext,
  desk: CustodyDesk,
  { keys }: OpenedCustodian,
  shown: { kms: CustodyEvidence; shareSet: LoggedStatement },
): Promise<Decided> {
  const log = await readCustodyLog(context, desk.log, desk.policy)
  const bound = parseCheckpoint(parseNote(shown.kms.boundCheckpoint).text)
  const isPart = await log.prove(bound)
  const verdict = verifyCustody({
    policy: desk.policy,
    history: log.history,
    checkpoint: log.checkpoint,
    extends: () => isPart,
    kms: shown.kms,
    custodian: custodianKeyDigest(keys.key),
    generation: generationOf(shown.shareSet),
    now: Math.floor(context.io.now() / 1000),
  })
  for (const line of formatSteps(verdict.steps, context.style.err)) context.note(line)
  if (acceptsSoftware(desk.policy)) context.warn(SOFTWARE_BANNER)
  if (verdict.share !== undefined) return { share: verdict.share, log }
  const refusing = refusingSteps(verdict.steps)
  throw cliError('CLI_REFUSED', 'this KMS gets no share: it does not pass your policy', {
    found: refusing.map(({ name, reason }) => `${name}: ${reason}`).join('; '),
    hint: 'nothing was opened or sent',
  })
}

function generationOf({ envelope }: LoggedStatement): number {
  return decodeDocument(parseDsse(utf8(envelope)).payload, shareSetDecoder, 'share set').generation
}
