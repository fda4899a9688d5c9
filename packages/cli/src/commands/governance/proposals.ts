import { majorityOf } from '@sotto/protocol/governance'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  type Closed,
  type Governance,
  KMS_FLAGS,
  openDesk,
  type OpenProposal,
  printEffect,
  readProposal,
} from '../../governance/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** `sotto proposals [ID]` */
export const proposals: Command = defineCommand({
  path: ['proposals'],
  summary: 'List proposals, votes and holds, or show one proposal',
  description:
    'Without ID: who decides, what is held, what can be voted on, what was decided lately. With ID: what the ' +
    'proposal would change and who voted how, each proven by its signature. The whole history is in the log.',
  arguments: [{ name: 'ID', summary: 'identifier of a proposal', required: false }],
  flags: KMS_FLAGS,
  examples: ['sotto proposals', 'sotto proposals --json | jq ".open[].id"'],
  async run(context, [id], flags) {
    const { governance, kmsUrl, ask } = await openDesk(context, flags)
    if (id === undefined) {
      if (context.global.json) context.json(governance)
      else printAll(context, governance)
      return
    }
    const full = [...governance.open, ...governance.closed]
      .map((one) => one.id)
      .filter((one) => one.startsWith(id))
    const shown = await readProposal(kmsUrl, full.length === 1 ? full[0]! : id, governance, ask)
    if (context.global.json) context.json(shown)
    else if ('statement' in shown) printOpen(context, shown, governance)
    else printClosed(context, shown)
  },
})

function printAll(context: CommandContext, { inForce, holds, open, closed }: Governance): void {
  const say = (line: string): void => context.out(printableLine(line))
  const { sequence, members, majorities } = inForce
  say(
    `${sequence === 0 ? 'genesis' : `constitution ${sequence}`}: ${members.map(({ name }) => name).join(', ')}`,
  )
  say(
    Object.entries(majorities)
      .map(([kind, majority]) => `${kind} ${majority}`)
      .join(', ') + ` of ${members.length}`,
  )
  for (const { id, member, reason } of holds)
    context.out(context.style.out.red(printableLine(`held by ${member.name}: ${reason} (${id})`)))
  for (const { id, kind, author, majority, accepted, rejected, expiresAt } of open)
    say(
      `open      ${id.slice(0, 12)} ${kind} by ${author}: ${accepted.length} of ${majority} accepted` +
        `${rejected.length > 0 ? `, ${rejected.length} rejected` : ''}, until ${day(expiresAt)}`,
    )
  for (const { id, kind, author, outcome, closedAt } of closed)
    say(`${outcome.padEnd(9)} ${id.slice(0, 12)} ${kind} by ${author.name}, ${day(closedAt)}`)
  if (open.length + closed.length === 0) say('nothing was proposed lately')
}

function printOpen(context: CommandContext, proposal: OpenProposal, governance: Governance): void {
  const { id, kind, author, votes, expiresAt, statement } = proposal
  context.out(printableLine(`${kind}, proposed by ${author}: ${id}`))
  printEffect(context, statement.document, governance)
  for (const { name, choice } of votes) context.out(printableLine(`${choice.padEnd(6)} ${name}`))
  const { members } = governance.inForce
  const accepted = votes.filter(({ choice }) => choice === 'accept').length
  context.out(
    printableLine(
      `${accepted} of ${majorityOf(governance.inForce, statement.document.kind)} accepted, ${members.length} members, until ${day(expiresAt)}`,
    ),
  )
}

function printClosed(
  context: CommandContext,
  { id, kind, author, outcome, accepted, rejected, closedAt }: Closed,
): void {
  context.out(printableLine(`${kind}, proposed by ${author.name}: ${id}`))
  for (const name of accepted) context.out(printableLine(`accept ${name}`))
  for (const name of rejected) context.out(printableLine(`reject ${name}`))
  context.out(printableLine(`${outcome}, ${day(closedAt)}`))
}

function day(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 16).replace('T', ' ')
}
