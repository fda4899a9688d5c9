import { fromHex } from '@sotto/protocol/bytes'
import {
  appraiseEvidence,
  type EvidenceAppraisal,
  parseEvidencePolicy,
  verifyFamily,
} from '@sotto/verifier/appraisal'
import type { EvidenceVerdict, Family } from '@sotto/verifier/family'
import type { Step } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type CommandContext, EXIT } from '../framework/index.ts'
import { parseTime } from '../input/index.ts'
import { formatSteps, printableLine } from '../terminal/index.ts'
import { explainVerdict } from './explain.ts'
import { exitCodeOfEvidence } from './outcome.ts'
import { readBytes, readCollateralFiles } from './read-pieces.ts'

/** Allow-lists of a large fleet. */
const MAX_POLICY_BYTES = 1024 * 1024

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

/** What is printed, with and without a policy. */
type Judgement = { verdict: EvidenceVerdict; appraisal?: EvidenceAppraisal }

/** Judges evidence from a file, offline. @returns the exit code */
export async function verifyEvidenceFile(
  context: CommandContext,
  { family, evidence }: { family: Family; evidence: Uint8Array },
  flags: EvidenceFlags,
): Promise<number> {
  const collateral = await readCollateralFiles(context.io, flags.collateral ?? [], evidence)
  const at = flags.at === undefined ? Math.floor(context.io.now() / 1000) : parseTime('--at', flags.at)
  const how = {
    at,
    trustKeySets: flags['trust-key-sets'],
    ...(flags['report-data'] !== undefined && { expectedReportData: readReportData(flags['report-data']) }),
  }
  const judgement: Judgement = { verdict: verifyFamily(family, { evidence, collateral, ...how }) }
  if (flags.policy !== undefined) {
    const policy = parseEvidencePolicy(await readBytes(context.io, flags.policy, MAX_POLICY_BYTES))
    judgement.appraisal = appraiseEvidence([{ family, evidence, collateral }], policy, {
      ...how,
      ...(flags['bound-at'] !== undefined && { boundAt: parseTime('--bound-at', flags['bound-at']) }),
    })
  }
  const { verdict, appraisal } = judgement
  if (context.global.json) context.json({ ...verdict, ...(appraisal !== undefined && { appraisal }) })
  else print(context, judgement, flags.explain)
  if (appraisal === undefined) return exitCodeOfEvidence(verdict)
  if (appraisal.admitted) return EXIT.ok
  const code = exitCodeOfEvidence(verdict)
  // Acceptable to the family's strict rules, and refused by the policy.
  return code === EXIT.ok ? EXIT.refused : code
}

function print(context: CommandContext, { verdict, appraisal }: Judgement, isExplained: boolean): void {
  const style = context.style.out
  if (isExplained) for (const line of explainVerdict(verdict)) context.out(printableLine(line))
  else for (const line of formatSteps(verdict.steps, style)) context.out(line)
  context.out('')
  const word = verdict.acceptable
    ? style.green('acceptable')
    : verdict.authentic
      ? style.red('authentic, not acceptable')
      : style.red('not authentic')
  const why = verdict.reason === null ? '' : `: ${verdict.reason}`
  context.out(`${verdict.family}: ${word}${why} (${countsOf(verdict.steps)})`)
  if (appraisal !== undefined) printAppraisal(context, appraisal)
  if (verdict.validUntil !== null && verdict.acceptable)
    context.out(`valid until ${new Date(verdict.validUntil * 1000).toISOString()}`)
  context.out(`you trust: ${printableLine(verdict.trustedParties.join('; '))}`)
}

function printAppraisal(context: CommandContext, appraisal: EvidenceAppraisal): void {
  const style = context.style.out
  for (const { name, admitted, steps, pieces } of appraisal.tuples) {
    context.out(`${admitted ? style.green('admitted by') : style.red('refused by')} ${printableLine(name)}`)
    const failed = [...steps, ...pieces.flatMap((piece) => piece.steps)].filter(
      ({ status }) => status === 'fail',
    )
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
