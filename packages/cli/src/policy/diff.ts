import { type Change, diffPolicies, type PolicyDiff } from '@sotto/verifier/appraisal'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { printableLine } from '../terminal/index.ts'
import { readPolicyFile, requireEvidencePolicy } from './document.ts'

/** `sotto policy diff OLD NEW` */
export const policyDiff: Command = defineCommand({
  path: ['policy', 'diff'],
  summary: 'Say what a change of a policy newly admits or refuses',
  description:
    'Compares what two evidence policies mean, not how they are written: order, white space and written-out ' +
    'defaults are no change. + is evidence that only the new policy admits, - evidence that only the old one ' +
    'admits, = a change that does neither. Exit code 0, or 1 for what --fail-on names.',
  arguments: [
    { name: 'FILE-OLD', summary: 'old policy, or - for standard input', required: true },
    { name: 'FILE-NEW', summary: 'new policy, or - for standard input', required: true },
  ],
  flags: {
    'fail-on': {
      type: 'string',
      value: 'WHAT',
      summary: 'exit 1 when something is newly admitted, refused, or either',
      choices: ['admits', 'refuses', 'any'],
    },
  },
  examples: [
    'sotto policy diff old.json new.json',
    'git show main:policy.json | sotto policy diff - policy.json',
  ],
  async run(context, args, flags) {
    const before = requireEvidencePolicy(await readPolicyFile(context.io, args, 0))
    const after = requireEvidencePolicy(await readPolicyFile(context.io, args, 1))
    const diff = diffPolicies(before, after)
    if (context.global.json) context.json(diff)
    else printDiff(context, diff)
    const admits = diff.admits.length > 0
    const refuses = diff.refuses.length > 0
    const isFailing = { admits, refuses, any: admits || refuses, never: false }[flags['fail-on'] ?? 'never']
    return isFailing ? EXIT.failure : EXIT.ok
  },
})

/** What a policy newly admits and refuses, one change a line. */
export function printDiff(context: CommandContext, { admits, refuses, neutral }: PolicyDiff): void {
  const style = context.style.out
  const line = ({ path, what }: Change): string => `${printableLine(path)}: ${printableLine(what)}`
  for (const change of admits) context.out(style.yellow(`+ ${line(change)}`))
  for (const change of refuses) context.out(style.red(`- ${line(change)}`))
  for (const change of neutral) context.out(style.dim(`= ${line(change)}`))
  if (admits.length + refuses.length + neutral.length === 0) context.out('the two policies mean the same')
  else
    context.out(
      `${admits.length} newly admitted, ${refuses.length} newly refused, ${neutral.length} without effect`,
    )
}
