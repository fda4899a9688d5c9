import { documentDigest } from '@sotto/protocol/keyrelease'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import {
  majorityOf,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  signMemberJws,
} from '@sotto/protocol/governance'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, type FlagValues } from '../../framework/index.ts'
import {
  type Desk,
  lintKeyReleasePolicy,
  MEMBER_FLAGS,
  type NamedText,
  openDesk,
  openMember,
  printEffect,
  readConstitution,
  readKeyReleasePolicy,
  readReleases,
} from '../../governance/index.ts'
import { openInput, readText } from '../../input/index.ts'
import { printableLine } from '../../terminal/index.ts'

const DAY_SECONDS = 86_400
const DEFAULT_DAYS = 14
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Flags of every proposal. */
export const FLAGS = {
  ...MEMBER_FLAGS,
  days: {
    type: 'number',
    value: 'DAYS',
    summary: 'how long members can vote on it (default 14)',
    min: 1,
    max: 90,
    integer: true,
  },
} as const

/** What every proposal's help ends with. */
export const A_PROPOSAL =
  'A proposal is no vote: its author votes like everybody, with sotto vote. Prints its identifier.'

/** `sotto propose policy FILE` */
export const proposePolicy: Command = defineCommand({
  path: ['propose', 'policy'],
  summary: 'Propose who may hold request keys',
  description:
    'Reads a key-release policy: tuples with a role (anyOf), and evidenceMaxAgeSeconds; version, genesis and ' +
    'createdAt are filled in. Says what deserves a second look and what would be newly admitted before ' +
    `anything is sent. ${A_PROPOSAL}`,
  arguments: [{ name: 'FILE', summary: 'key-release policy, or - for standard input', required: true }],
  flags: {
    ...FLAGS,
    release: {
      type: 'string',
      value: 'FILE',
      summary: 'logged release statement {envelope, index}, or a list of them; may be repeated',
      repeats: true,
    },
  },
  examples: ['sotto propose policy policy.json --release kms.json --release inference.json --key alice.key'],
  async run(context, args, flags) {
    const desk = await openDesk(context, flags)
    const now = Math.floor(context.io.now() / 1000)
    const body = readKeyReleasePolicy(await readNamed(context, args), desk.governance.inForce.genesis, now)
    const findings = lintKeyReleasePolicy(body, now)
    for (const { level, code, path, message } of findings)
      context.warn(printableLine(`${level} ${code} ${path}: ${message}`))
    if (findings.some(({ level }) => level === 'error'))
      throw cliError('CLI_CONFIG', 'the policy is none: see above', {
        hint: 'sotto policy lint says the same',
      })
    const releases: LoggedStatement[] = []
    for (const file of flags.release ?? []) releases.push(...readReleases(await readNamed(context, [file])))
    await propose(context, desk, { kind: 'key-release-policy', body, releases }, flags)
  },
})

/** `sotto propose constitution FILE` */
export const proposeConstitution: Command = defineCommand({
  path: ['propose', 'constitution'],
  summary: 'Propose other members, majorities, release keys or lives of keys',
  description:
    'Reads a JSON object with any of members, majorities, releaseKeys and rotation; what is left out stays ' +
    `as it is. ${A_PROPOSAL}`,
  arguments: [{ name: 'FILE', summary: 'constitution, or - for standard input', required: true }],
  flags: FLAGS,
  examples: ['sotto propose constitution members.json --key alice.key'],
  async run(context, args, flags) {
    const desk = await openDesk(context, flags)
    const now = Math.floor(context.io.now() / 1000)
    const body = readConstitution(await readNamed(context, args), desk.governance.inForce, now)
    await propose(context, desk, { kind: 'constitution', body, releases: [] }, flags)
  },
})

/** `sotto propose rotate` */
export const proposeRotate: Command = defineCommand({
  path: ['propose', 'rotate'],
  summary: 'Propose new request keys now',
  description: `Scheduled rotations need no vote. ${A_PROPOSAL}`,
  flags: FLAGS,
  examples: ['sotto propose rotate --key alice.key'],
  async run(context, _args, flags) {
    const desk = await openDesk(context, flags)
    const { epoch } = desk.governance
    if (epoch === 0)
      throw cliError('CLI_USAGE', 'this KMS has no request keys yet', { hint: 'propose a policy first' })
    await propose(context, desk, { kind: 'rotate', body: { epoch }, releases: [] }, flags)
  },
})

/** `sotto propose resume [HOLD]` */
export const proposeResume: Command = defineCommand({
  path: ['propose', 'resume'],
  summary: 'Propose to end a hold, so that keys are released again',
  description: A_PROPOSAL,
  arguments: [{ name: 'HOLD', summary: 'identifier of the hold (default: the only one)', required: false }],
  flags: FLAGS,
  examples: ['sotto propose resume --key alice.key'],
  async run(context, [wanted], flags) {
    const desk = await openDesk(context, flags)
    const { holds } = desk.governance
    const found = holds.filter(({ id }) => wanted === undefined || id === wanted)
    if (found.length !== 1) {
      throw cliError(
        'CLI_USAGE',
        wanted === undefined ? 'not exactly one hold is in force' : 'no such hold is in force',
        {
          found: holds.map(({ id }) => id).join(', ') || 'none',
          hint: 'sotto proposals lists them',
        },
      )
    }
    await propose(context, desk, { kind: 'resume', body: { hold: found[0]!.id }, releases: [] }, flags)
  },
})

/** A file a member wrote, or standard input. */
export async function readNamed(context: CommandContext, names: readonly string[]): Promise<NamedText> {
  const input = await openInput(context.io, names, 0)
  return { label: input.label, text: await readText(input, MAX_FILE_BYTES) }
}

/** What is proposed. */
export interface Draft<Kind extends ProposalKind> {
  kind: Kind
  body: ProposalBodies[Kind]
  releases: LoggedStatement[]
}

/** Signs and sends a proposal, and says what it would do. */
export async function propose<Kind extends ProposalKind>(
  context: CommandContext,
  desk: Desk,
  { kind, body, releases }: Draft<Kind>,
  flags: FlagValues<typeof FLAGS>,
): Promise<void> {
  const { signer, name } = await openMember(context, flags.key, desk)
  const { inForce } = desk.governance
  const createdAt = Math.floor(context.io.now() / 1000)
  const document = {
    version: 1,
    genesis: inForce.genesis,
    constitution: inForce.digest,
    kind,
    body,
    createdAt,
    expiresAt: createdAt + (flags.days ?? DEFAULT_DAYS) * DAY_SECONDS,
  } as Proposal
  const proposal = signMemberJws('proposal', document, signer)
  await desk.ask(`${desk.kmsUrl}/v1/proposals`, { proposal, releases })
  const id = documentDigest(document)
  const majority = majorityOf(inForce, kind)
  if (context.global.json) {
    context.json({
      id,
      kind,
      author: name,
      majority,
      members: inForce.members.length,
      expiresAt: document.expiresAt,
    })
    return
  }
  printEffect(context, document, desk.governance)
  context.out(`proposed ${id}`)
  context.note(
    `${majority} of ${inForce.members.length} members have to accept it: sotto vote ${id.slice(0, 12)} accept --key FILE`,
  )
}
