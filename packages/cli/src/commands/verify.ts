import { checkTrust } from '@sotto/client'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { refusingSteps, type Step, type Verdict, verifyTrustBundle } from '@sotto/verifier'
import { FAMILIES } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import {
  answerConformance,
  exitCodeOfEvidence,
  MAX_CONFORMANCE_BYTES,
  parseConformanceRequest,
  readBytes,
  readEvidence,
  recogniseFile,
  verifyEvidenceFile,
} from '../evidence/index.ts'
import {
  type Command,
  type CommandContext,
  defineCommand,
  describeFailure,
  exitCodeOf,
  exitCodeOfVerdict,
  type FlagValues,
} from '../framework/index.ts'
import { parseTime, requireOneStdin } from '../input/index.ts'
import {
  announceSoftware,
  connectOptions,
  readPolicy,
  resolvePolicyPath,
  resolveTarget,
  stackTrouble,
  TARGET_FLAGS,
} from '../service/index.ts'
import { verifyApp, verifySource } from '../source/index.ts'
import { formatSteps, printableJson, printableLine } from '../terminal/index.ts'

const { gateway, log } = TARGET_FLAGS

const FLAGS = {
  gateway,
  log,
  policy: {
    type: 'string',
    value: 'FILE',
    summary: 'trust policy, or for evidence an evidence policy: what you accept (SOTTO_POLICY)',
  },
  collateral: {
    type: 'string',
    value: 'FILE',
    repeats: true,
    summary:
      'what belongs to evidence (certificates, CRLs, TCB information, RIMs): a file, a folder, a packed bundle',
  },
  family: {
    type: 'string',
    value: 'NAME',
    choices: FAMILIES,
    summary: 'kind of evidence (default: by its content)',
  },
  at: {
    type: 'string',
    value: 'TIME',
    summary: 'time of checking, like 2026-11-28T12:00:00Z (default: now)',
  },
  'report-data': { type: 'string', value: 'HEX', summary: 'what evidence must be bound to' },
  'bound-at': {
    type: 'string',
    value: 'TIME',
    summary: 'when what it is bound to was made; an evidence policy bounds its age',
  },
  'trust-key-sets': {
    type: 'boolean',
    summary: 'key sets among the collateral are from the service itself, fetched by you',
  },
  nonce: {
    type: 'boolean',
    summary:
      'have the service make evidence for a fresh random nonce: it is of now, whatever its age by the log',
  },
  source: {
    type: 'string',
    value: 'DIR',
    summary: 'rebuild this checkout and compare it with what is released (runs its build)',
  },
  app: {
    type: 'string',
    value: 'DIR',
    summary: 'compare this code, or the app of a sotto.yaml, with the app that the service runs',
  },
  release: { type: 'string', value: 'FILE', summary: 'with --source: a release.json instead of a service' },
  explain: { type: 'boolean', summary: 'say in plain words what evidence is and what is wrong with it' },
  conformance: { type: 'boolean', summary: 'answer one JSON request on standard input, for test suites' },
} as const

type Flags = FlagValues<typeof FLAGS>

/** Random bytes of a nonce: nobody has evidence for it beforehand. */
const NONCE_BYTES = 32

/** What is an address and no file. */
const ADDRESS = /^https?:\/\//i

/** `sotto verify [TARGET]` */
export const verify: Command = defineCommand({
  path: ['verify'],
  summary: 'Check a service, a trust bundle or evidence step by step, sending nothing',
  description:
    'A URL: fetches the trust bundle through the relay and checks every step of the chain of trust against ' +
    'your policy, which names every step that must pass; the others may be skipped, with the reason, but ' +
    'none may fail. A file: a saved trust bundle, or evidence of SEV-SNP, TDX, SGX, Nitro, NVIDIA, Azure or ' +
    'Google, recognised by its content and checked offline. With --nonce: the evidence is made for this check, which the ' +
    'step kms.nonce shows; services answer a few of these a second in all. With --source: rebuilds a checkout and compares ' +
    'every release of the service, or of --release, with what came out. With --app: compares the code of an own app ' +
    'with the one that runs. Exit code 0 accepted, 3 something is not ' +
    'authentic, 5 authentic but refused by the policy, 6 what is needed to decide could not be fetched or ' +
    'was not given.',
  arguments: [
    {
      name: 'TARGET',
      summary: 'relay, or a file, or - for standard input (default: the configured host)',
      required: false,
    },
  ],
  flags: FLAGS,
  examples: [
    'sotto verify https://relay.example --policy policy.json',
    'sotto verify --json | jq .ok',
    'sotto verify https://relay.example --nonce',
    'sotto verify --app ./app',
    'sotto verify quote.bin --collateral collateral.json --explain',
    'sotto verify report.bin --collateral certs/ --at 2025-01-01T00:00:00Z',
  ],
  run(context, [target], flags) {
    if (flags.conformance) return conformance(context, target, flags)
    if (flags.app !== undefined && flags.source !== undefined)
      throw cliError('CLI_USAGE', '--app and --source are two things to compare with', {
        hint: 'verify one after the other',
      })
    const isService = target === undefined || ADDRESS.test(target)
    if (flags.nonce && (!isService || flags.app !== undefined || flags.source !== undefined))
      throw cliError('CLI_USAGE', '--nonce is about a service that is checked now', {
        hint: 'name the relay, without --app and --source, or leave the flag out',
      })
    if (flags.app !== undefined) return verifyApp(context, target, flags)
    if (flags.source !== undefined) return verifySource(context, target, flags)
    if (flags.release !== undefined)
      throw cliError('CLI_USAGE', '--release needs --source', { hint: 'name the checkout to rebuild' })
    return isService ? verifyService(context, target, flags) : verifyFile(context, target, flags)
  },
})

async function verifyService(
  context: CommandContext,
  url: string | undefined,
  flags: Flags,
): Promise<number> {
  const misplaced = (['collateral', 'family', 'at', 'report-data'] as const).find(
    (name) => flags[name] !== undefined,
  )
  if (misplaced !== undefined || flags.explain) {
    throw cliError('CLI_USAGE', `--${misplaced ?? 'explain'} is about evidence in a file`, {
      hint: 'name the file, or leave the flag out',
    })
  }
  const target = await resolveTarget(context, { ...flags, host: url })
  context.note(`checking ${target.host} (gateway ${target.gateway}) against ${target.policyPath}`)
  const verdict = await checkTrust(target.host, {
    ...connectOptions(context, target),
    ...(flags.nonce && { nonce: toBase64Url(crypto.randomBytes(NONCE_BYTES)) }),
  })
  if (context.global.json) context.json({ host: target.host, gateway: target.gateway, ...verdict })
  else printVerdict(context, verdict)
  announceSoftware(context, verdict)
  // The relay answers for a dead enclave as long as what it knows is fresh.
  const trouble = target.isLocalStack ? await stackTrouble(context) : undefined
  if (trouble !== undefined) context.warn(`warning: ${trouble}`)
  return exitCodeOfVerdict(verdict)
}

async function verifyFile(context: CommandContext, name: string, flags: Flags): Promise<number> {
  requireOneStdin([name, flags.policy, ...(flags.collateral ?? [])])
  const file = recogniseFile(await readEvidence(context.io, name), name, flags.family)
  if (file.kind === 'evidence') return verifyEvidenceFile(context, file, flags)
  const policy = await readPolicy(await resolvePolicyPath(context, flags))
  const now = flags.at === undefined ? Math.floor(context.io.now() / 1000) : parseTime('--at', flags.at)
  const { verdict } = verifyTrustBundle(file.bundle, policy, { now })
  if (context.global.json) context.json(verdict)
  else printVerdict(context, verdict)
  announceSoftware(context, verdict)
  return exitCodeOfVerdict(verdict)
}

/**
 * One request in, one verdict out; a refused piece of evidence is a verdict, not an error. A request that is none
 * is an error as with `--json`: one document on standard error, nothing on standard output.
 */
async function conformance(
  { io, json, signal }: CommandContext,
  target = '-',
  flags: Flags,
): Promise<number> {
  try {
    if (Object.entries(flags).some(([name, value]) => name !== 'conformance' && (value ?? false) !== false))
      throw cliError('CLI_USAGE', '--conformance goes without other flags', {
        hint: 'a request says all of it',
      })
    const request = parseConformanceRequest(await readBytes(io, target, MAX_CONFORMANCE_BYTES))
    const answer = answerConformance(request)
    json(answer)
    return exitCodeOfEvidence(answer)
  } catch (error) {
    signal.throwIfAborted()
    void io.stderr.write(`${printableJson({ error: describeFailure(error) })}\n`)
    return exitCodeOf(error)
  }
}

function printVerdict(context: CommandContext, verdict: Verdict): void {
  const style = context.style.out
  for (const line of formatSteps(verdict.steps, style)) context.out(line)
  const count = (status: Step['status']): number =>
    verdict.steps.filter((step) => step.status === status).length
  const counts = `${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped`
  context.out('')
  context.out(verdict.ok ? style.green(`accepted: ${counts}`) : style.red(`refused: ${counts}`))
  if (!verdict.ok) {
    const names = refusingSteps(verdict.steps).map(({ name }) => name)
    context.out(style.red(`refused because of: ${names.join(', ')}`))
  }
  if (verdict.software) context.out(style.yellow('software TEE: not hardware'))
  if (verdict.ok) context.out(`valid until ${new Date(verdict.validUntil * 1000).toISOString()}`)
  context.out(`you trust: ${printableLine(verdict.trustedParties.join('; '))}`)
}
