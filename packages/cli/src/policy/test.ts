import { fromHex, toHex } from '@sotto/protocol/bytes'
import {
  type CaseResult,
  type EvidencePiece,
  type EvidencePolicy,
  evidencePolicyDigest,
  type PolicyCase,
  testPolicy,
} from '@sotto/verifier/appraisal'
import { cliError } from '../errors.ts'
import { readCollateralFiles } from '../evidence/read-pieces.ts'
import {
  type Command,
  type CommandContext,
  defineCommand,
  EXIT,
  type FlagValues,
  type Io,
} from '../framework/index.ts'
import { readPolicyFile, requireEvidencePolicy } from './document.ts'
import { printResults } from './print-results.ts'
import { readCases } from './read-cases.ts'
import { asPolicyMeans, readPiece } from './read-evidence.ts'
import { parseTime, requireOneStdin } from '../input/index.ts'

const FLAGS = {
  evidence: {
    type: 'string',
    value: 'FILE',
    repeats: true,
    summary: 'evidence, or a folder with one piece and its collateral; several belong to one machine',
  },
  collateral: {
    type: 'string',
    value: 'FILE',
    repeats: true,
    summary: 'certificates, CRLs, TCB information, RIMs … of the only evidence: files or folders',
  },
  cases: { type: 'string', value: 'DIR', summary: 'folder of cases, each with what is expected of it' },
  at: {
    type: 'string',
    value: 'TIME',
    summary: 'time of checking, like 2026-11-28T12:00:00Z (default: now)',
  },
  'report-data': { type: 'string', value: 'HEX', summary: 'the 64 bytes that the evidence must be bound to' },
  'bound-at': {
    type: 'string',
    value: 'TIME',
    summary: 'when the nonce was handed out, or the checkpoint witnessed, that it is bound to',
  },
} as const

type Flags = FlagValues<typeof FLAGS>

/** `sotto policy test FILE --evidence E…` or `--cases DIR` */
export const policyTest: Command = defineCommand({
  path: ['policy', 'test'],
  summary: 'Try an evidence policy on evidence, offline',
  description:
    'Says which tuple of the policy admits the evidence, or why none does. Without --report-data it is taken ' +
    'for granted that the evidence is bound as expected and recent, and that is said; a GPU and its processor ' +
    'are never judged for real that way. With --cases, each folder in DIR that holds a case.json is judged and ' +
    'compared with what the case expects. Exit code 0 admitted, or all cases as expected; 1 a case is not; ' +
    '3 not authentic, 5 refused, 6 authentic but something that acceptance needs was not given.',
  arguments: [{ name: 'FILE', summary: 'evidence policy, or - for standard input', required: true }],
  flags: FLAGS,
  examples: [
    'sotto policy test policy.json --evidence report.bin --collateral certificates/',
    'sotto policy test policy.json --evidence cpu/ --evidence gpu0/ --report-data "$BINDING" --bound-at "$TIME"',
    'sotto policy test policy.json --cases cases/',
  ],
  async run(context, args, flags) {
    requireOneStdin([...args, ...(flags.evidence ?? []), ...(flags.collateral ?? [])])
    const policy = requireEvidencePolicy(await readPolicyFile(context.io, args))
    const cases = await casesOf(context.io, policy, flags)
    const results = testPolicy(policy, cases)
    const isExpected = flags.cases !== undefined
    report(context, policy, results, isExpected)
    if (isExpected) return results.every(({ problems }) => problems.length === 0) ? EXIT.ok : EXIT.failure
    return exitCodeOf(results[0]!)
  },
})

async function casesOf(io: Io, policy: EvidencePolicy, flags: Flags): Promise<PolicyCase[]> {
  const { cases, evidence = [], collateral = [] } = flags
  if (cases !== undefined) {
    const others = (['evidence', 'collateral', 'at', 'report-data', 'bound-at'] as const).filter(
      (name) => flags[name] !== undefined,
    )
    if (others.length > 0)
      throw cliError('CLI_USAGE', `--cases goes without --${others.join(', --')}`, {
        hint: 'a case says all of this itself',
      })
    return readCases(io, cases, policy)
  }
  if (evidence.length === 0)
    throw cliError('CLI_USAGE', 'nothing to try the policy on', {
      hint: 'pass --evidence FILE or --cases DIR',
    })
  if (evidence.length > 1 && collateral.length > 0)
    throw cliError('CLI_USAGE', '--collateral belongs to one piece of evidence', {
      hint: 'put each piece in a folder of its own, with its collateral, and name the folders with --evidence',
    })
  const pieces: EvidencePiece[] = []
  for (const name of evidence) pieces.push(asPolicyMeans(await readPiece(io, name), policy))
  const [only] = pieces
  if (collateral.length > 0) {
    const given = await readCollateralFiles(io, collateral, only!.evidence)
    pieces[0] = { ...only!, collateral: { ...only!.collateral, ...given } }
  }
  return [
    {
      name: evidence.join(' + '),
      pieces,
      at: flags.at === undefined ? Math.floor(io.now() / 1000) : parseTime('--at', flags.at),
      ...(flags['report-data'] !== undefined && { expectedReportData: readBinding(flags['report-data']) }),
      ...(flags['bound-at'] !== undefined && { boundAt: parseTime('--bound-at', flags['bound-at']) }),
    },
  ]
}

function readBinding(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{128}$/.test(text))
    throw cliError('CLI_USAGE', '--report-data is not 64 bytes in hexadecimal', {
      expected: '128 hexadecimal digits',
      found: `${text.length} characters`,
    })
  return fromHex(text.toLowerCase())
}

function report(
  context: CommandContext,
  policy: EvidencePolicy,
  results: readonly CaseResult[],
  isExpected: boolean,
): void {
  if (results.some(({ appraisal }) => appraisal.software))
    context.warn('warning: software TEE: this evidence is of a program, not of hardware')
  if (!context.global.json) return printResults(context, results, isExpected)
  const digest = toHex(evidencePolicyDigest(policy))
  context.json({
    policy: policy.name,
    digest,
    ok: results.every(({ admitted, problems }) => (isExpected ? problems.length === 0 : admitted)),
    cases: results,
  })
}

/** 0 admitted; else by what is wrong under the tuple that came closest. */
function exitCodeOf({ admitted, reason, appraisal }: CaseResult): number {
  if (admitted) return EXIT.ok
  const judged = appraisal.tuples.filter(({ pieces }) => pieces.length > 0)
  const isForged =
    judged.length > 0 && judged.every(({ pieces }) => pieces.some(({ authentic }) => !authentic))
  if (isForged) return EXIT.notAuthentic
  return reason === 'collateral-missing' ? EXIT.undecided : EXIT.refused
}
