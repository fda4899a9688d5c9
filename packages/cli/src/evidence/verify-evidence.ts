import { fromHex } from '@sotto/protocol/bytes'
import {
  type AppraisalContext,
  appraiseEvidence,
  type EvidenceAppraisal,
  type EvidencePiece,
  type EvidencePolicy,
  type TupleVerdict,
  verifyFamily,
} from '@sotto/verifier/appraisal'
import type { EvidenceVerdict, Family } from '@sotto/verifier/family'
import type { Step } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type CommandContext, EXIT } from '../framework/index.ts'
import { parseTime } from '../input/index.ts'
import { formatSteps, printableLine } from '../terminal/index.ts'
import { readPolicyFile, requireEvidencePolicy } from '../policy/document.ts'
import { explainVerdict } from './explain.ts'
import { exitCodeOfEvidence } from './outcome.ts'
import { readCollateralFiles } from './read-pieces.ts'

/** How evidence in a file is to be judged. */
export interface EvidenceFlags {
  collateral: readonly string[] | undefined
  policy: string | undefined
  at: string | undefined
  'report-data': string | undefined
  'bound-at': string | undefined
  'trust-key-sets': boolean
  explain: boolean
}

/** What is printed: the verdict by the policy, or without one by the strict rules of the family. */
interface Judgement {
  verdict: EvidenceVerdict
  appraisal?: EvidenceAppraisal
  /** The tuple that admitted, or came closest. */
  tuple?: TupleVerdict
}

/** Judges evidence from a file, offline. @returns the exit code */
export async function verifyEvidenceFile(
  context: CommandContext,
  { family, evidence }: { family: Family; evidence: Uint8Array },
  flags: EvidenceFlags,
): Promise<number> {
  const { io } = context
  const how = {
    at: flags.at === undefined ? Math.floor(io.now() / 1000) : parseTime('--at', flags.at),
    trustKeySets: flags['trust-key-sets'],
    ...(flags['report-data'] !== undefined && { expectedReportData: readReportData(flags['report-data']) }),
    ...(flags['bound-at'] !== undefined && { boundAt: parseTime('--bound-at', flags['bound-at']) }),
  }
  const policy =
    flags.policy === undefined ? undefined : requireEvidencePolicy(await readPolicyFile(io, [flags.policy]))
  const collateral = await readCollateralFiles(io, flags.collateral ?? [], evidence)
  const judgement = judge({ family, evidence, collateral }, how, policy)
  const { verdict, appraisal } = judgement
  if (context.global.json) context.json({ ...verdict, ...(appraisal !== undefined && { appraisal }) })
  else print(context, judgement, flags.explain)
  return exitCodeOf(judgement)
}

/** Once: with a policy, the verdict is that of the tuple that admitted or came closest. */
function judge(
  piece: EvidencePiece & { family: Family },
  how: AppraisalContext,
  policy: EvidencePolicy | undefined,
): Judgement {
  if (policy === undefined) return { verdict: verifyFamily(piece.family, { ...piece, ...how }) }
  const appraisal = appraiseEvidence([piece], policy, how)
  const { admitted, reason, tuples } = appraisal
  const close = tuples.filter((tuple) => (admitted ? tuple.admitted : tuple.reason === reason))
  const tuple = close.find(({ pieces }) => pieces.length > 0) ?? close[0]
  const [found] = tuple?.pieces ?? []
  // A policy about other families, or one that has ended, judges nothing; what the evidence is, is said all the same.
  const verdict =
    found === undefined
      ? verifyFamily(piece.family, { ...piece, ...how })
      : { ...found, family: piece.family }
  return { verdict, appraisal, ...(tuple !== undefined && { tuple }) }
}

/** As {@link exitCodeOfEvidence}, with what the policy asks beside the evidence itself. */
function exitCodeOf({ verdict, appraisal, tuple }: Judgement): number {
  if (appraisal === undefined) return exitCodeOfEvidence(verdict)
  const { authentic } = verdict
  const steps = [...verdict.steps, ...policySteps(tuple)]
  return exitCodeOfEvidence({ authentic, acceptable: appraisal.admitted, steps })
}

/** Steps of the policy alone: one of them repeats what the evidence's own steps say. */
function policySteps(tuple: TupleVerdict | undefined): Step[] {
  return (tuple?.steps ?? []).filter(({ name }) => name !== 'policy.evidence')
}

function print(context: CommandContext, judgement: Judgement, isExplained: boolean): void {
  const { verdict, appraisal } = judgement
  const style = context.style.out
  if (isExplained) for (const line of explainVerdict(verdict)) context.out(printableLine(line))
  else for (const line of formatSteps(verdict.steps, style)) context.out(line)
  context.out('')
  const word = verdict.acceptable
    ? style.green('acceptable')
    : verdict.authentic
      ? style.red('authentic, not acceptable')
      : style.red(exitCodeOfEvidence(verdict) === EXIT.undecided ? 'undecided' : 'not authentic')
  const why = verdict.reason === null ? '' : `: ${verdict.reason}`
  context.out(`${verdict.family}: ${word}${why} (${countsOf(verdict.steps)})`)
  if (appraisal !== undefined) printAppraisal(context, appraisal, judgement.tuple)
  const validUntil = appraisal === undefined ? verdict.validUntil : appraisal.validUntil
  if (validUntil !== null && (appraisal?.admitted ?? verdict.acceptable))
    context.out(`valid until ${new Date(validUntil * 1000).toISOString()}`)
  context.out(`you trust: ${printableLine(verdict.trustedParties.join('; '))}`)
}

function printAppraisal(
  context: CommandContext,
  { tuples }: EvidenceAppraisal,
  shown: TupleVerdict | undefined,
): void {
  const style = context.style.out
  for (const tuple of tuples) {
    const { name, admitted, pieces } = tuple
    context.out(`${admitted ? style.green('admitted by') : style.red('refused by')} ${printableLine(name)}`)
    // The evidence's own steps under one tuple stand above.
    const steps = [...policySteps(tuple), ...(tuple === shown ? [] : pieces.flatMap((piece) => piece.steps))]
    const failed = steps.filter(({ status }) => status === 'fail')
    for (const line of formatSteps(failed, style)) context.out(`  ${line}`)
  }
}

function countsOf(steps: readonly Step[]): string {
  const count = (status: Step['status']): number => steps.filter((step) => step.status === status).length
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped`
}

function readReportData(text: string): Uint8Array {
  try {
    return fromHex(text.toLowerCase())
  } catch (cause) {
    throw cliError('CLI_USAGE', '--report-data is not hexadecimal', {
      cause,
      hint: 'write the expected bytes as 0-9 a-f',
    })
  }
}
