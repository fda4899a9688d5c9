import {
  type AdmittedOwner,
  type InForce,
  majorityOf,
  type Proposal,
  type ProposalKind,
} from '@sotto/protocol/governance'
import { diffPolicies, explainPolicy } from '@sotto/verifier/appraisal'
import { evidencePolicyOf } from '@sotto/verifier/workload'
import type { CommandContext } from '../framework/index.ts'
import { printDiff } from '../policy/index.ts'
import { printableLine } from '../terminal/index.ts'
import type { Governance } from './kms.ts'

/** Says what would be so if a proposal were accepted, and is not so now. */
export function printEffect(context: CommandContext, proposal: Proposal, governance: Governance): void {
  const say = (line: string): void => context.out(printableLine(line))
  switch (proposal.kind) {
    case 'key-release-policy':
      return printPolicy(context, proposal, governance)
    case 'constitution':
      for (const line of constitutionChanges(governance.inForce, proposal.body)) say(line)
      return
    case 'rotate':
      return say(`new request keys after epoch ${proposal.body.epoch}`)
    case 'resume': {
      const hold = governance.holds.find(({ id }) => id === proposal.body.hold)
      return say(
        hold === undefined
          ? `ends the hold ${proposal.body.hold}, which is not in force`
          : `ends the hold of ${hold.member.name}: ${hold.reason}`,
      )
    }
    case 'custodians':
      say(`${proposal.body.threshold} of ${proposal.body.custodians.length} custodians open the root key:`)
      for (const { name, key } of proposal.body.custodians) say(`  ${name} ${key.slice(0, 16)}…`)
      return
    case 'owners':
      for (const line of ownerChanges(governance.owners, proposal.body.owners)) say(line)
      return
    case 'rotate-root':
      return say(`a new root key after generation ${proposal.body.generation}`)
  }
}

function printPolicy(
  context: CommandContext,
  { body }: Proposal & { kind: 'key-release-policy' },
  { decision }: Governance,
): void {
  const next = evidencePolicyOf(body)
  const roles = body.anyOf.map(({ name, role }) => `${name} (${role})`).join(', ')
  context.out(printableLine(`who may hold request keys: ${roles}`))
  if (decision?.proposal.kind === 'key-release-policy') {
    printDiff(context, diffPolicies(evidencePolicyOf(decision.proposal.body), next))
    return
  }
  context.out('no policy is in force; this one accepts:')
  for (const line of explainPolicy(next)) context.out(`  ${printableLine(line)}`)
}

/** Differences of who may keep content keys, one a line. What is in force is the KMS's own word. */
function ownerChanges(before: readonly AdmittedOwner[], after: readonly AdmittedOwner[]): string[] {
  const of = (list: readonly AdmittedOwner[], { key }: AdmittedOwner): AdmittedOwner | undefined =>
    list.find((owner) => owner.key === key)
  const lines = after.flatMap((owner) => {
    const old = of(before, owner)
    if (old === undefined) return [`+ owner ${owner.name} ${owner.key}: ${owner.artifacts} artifacts`]
    if (old.artifacts === owner.artifacts) return []
    return [`= owner ${owner.name}: ${owner.artifacts} artifacts instead of ${old.artifacts}`]
  })
  for (const owner of before)
    if (of(after, owner) === undefined) lines.push(`- owner ${owner.name} ${owner.key}`)
  return lines.length === 0 ? ['no change'] : lines
}

/** Differences of what decides, one a line. */
export function constitutionChanges(
  before: InForce,
  after: Pick<InForce, 'sequence' | 'members' | 'majorities' | 'releaseKeys' | 'rotation'>,
): string[] {
  const lines: string[] = []
  for (const { name, key } of after.members)
    if (!before.members.some((member) => member.key === key)) lines.push(`+ member ${name} ${key}`)
  for (const { name, key } of before.members)
    if (!after.members.some((member) => member.key === key)) lines.push(`- member ${name} ${key}`)
  for (const kind of Object.keys(after.majorities) as ProposalKind[]) {
    const [old, now] = [majorityOf(before, kind), majorityOf(after, kind)]
    const isOther = old !== now || before.members.length !== after.members.length
    if (isOther)
      lines.push(`= ${kind}: ${now} of ${after.members.length} instead of ${old} of ${before.members.length}`)
  }
  for (const key of after.releaseKeys)
    if (!before.releaseKeys.includes(key)) lines.push(`+ release key ${key}`)
  for (const key of before.releaseKeys)
    if (!after.releaseKeys.includes(key)) lines.push(`- release key ${key}`)
  for (const [name, now] of Object.entries(after.rotation)) {
    const old = before.rotation[name as keyof InForce['rotation']]
    if (old !== now) lines.push(`= ${name}: ${now} instead of ${old}`)
  }
  return lines.length === 0 ? ['no change'] : lines
}
