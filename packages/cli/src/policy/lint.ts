import { lintPolicy, type LintFinding } from '@sotto/verifier/appraisal'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { printableLine } from '../terminal/index.ts'
import { type PolicyFile, readPolicyFile } from './document.ts'
import { lintTrustPolicy } from './lint-trust.ts'
import { parseTime } from '../input/index.ts'

/** `sotto policy lint FILE` */
export const policyLint: Command = defineCommand({
  path: ['policy', 'lint'],
  summary: 'Say what in a policy deserves a second look',
  description:
    'Reads an evidence policy or a trust policy, told apart by content. An error means that it is no policy ' +
    'and admits nothing; a warning, that it admits more or less than most owners mean: every program, debug ' +
    'mode, old firmware, entries that have ended, tuples that admit nothing of their own. Exit code 0 without ' +
    'errors, 2 with errors, 1 with --strict and warnings.',
  arguments: [{ name: 'FILE', summary: 'policy, or - for standard input', required: true }],
  flags: {
    at: { type: 'string', value: 'TIME', summary: 'time by which entries have ended (default: now)' },
    strict: { type: 'boolean', summary: 'fail on warnings too' },
  },
  examples: ['sotto policy lint policy.json', 'sotto policy lint policy.json --strict --json'],
  async run(context, args, flags) {
    const at = flags.at === undefined ? Math.floor(context.io.now() / 1000) : parseTime('--at', flags.at)
    const file = await readPolicyFile(context.io, args)
    const findings = findingsOf(file, at)
    const count = (level: LintFinding['level']): number =>
      findings.filter((finding) => finding.level === level).length
    const [errors, warnings] = [count('error'), count('warning')]
    if (context.global.json) context.json({ kind: file.kind ?? null, errors, warnings, findings })
    else print(context, file, findings, errors, warnings)
    if (errors > 0) return EXIT.usage
    return flags.strict && warnings > 0 ? EXIT.failure : EXIT.ok
  },
})

function findingsOf({ text, kind }: PolicyFile, at: number): LintFinding[] {
  if (kind === 'evidence') return lintPolicy(text, at)
  if (kind === 'trust') return lintTrustPolicy(text, at)
  return [
    {
      level: 'error',
      code: 'malformed',
      path: 'policy',
      message: 'neither an evidence policy (anyOf, freshness) nor a trust policy (genesis, releaseKeys)',
    },
  ]
}

function print(
  context: CommandContext,
  { kind }: PolicyFile,
  findings: readonly LintFinding[],
  errors: number,
  warnings: number,
): void {
  const style = context.style.out
  for (const { level, code, path, message } of findings) {
    const word = level === 'error' ? style.red('error  ') : style.yellow('warning')
    context.out(`${word} ${code.padEnd(20)} ${printableLine(path)}: ${printableLine(message)}`)
  }
  const counts = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
  context.out(`${kind === undefined ? 'no' : kind} policy: ${counts}`)
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
