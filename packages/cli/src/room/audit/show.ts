import { type Audit, type CheckGroup, drawText, groupChecks, runLines } from '@sotto/client/rooms/audit'
import type { CommandContext } from '../../framework/index.ts'
import { printableLine } from '../../terminal/index.ts'

const MARKS = { pass: '✓', fail: '✗', missing: '-' } as const
const NAME_COLUMNS = 18

/** Prints an audit: the graph, its runs, every check, and what comes of it. @param files in the order of the proofs */
export function showAudit(context: CommandContext, audit: Audit, files: readonly string[]): void {
  const { out } = context.style
  const say = (line: string): void => context.out(printableLine(line))
  if (audit.graph !== undefined) {
    for (const line of drawText(audit.graph, { columns: context.io.stdout.columns })) say(line)
    say('')
    for (const line of runLines(audit)) say(line)
    say('')
  }
  for (const group of groupChecks(audit.checks))
    for (const line of checkLines(context, group, files)) context.out(line)
  context.out('')
  context.out(audit.ok ? out.green(verdict(audit)) : out.red(verdict(audit)))
  if (audit.runs.some(({ software }) => software)) context.out(out.yellow('software TEE: not hardware'))
}

function verdict({ ok, runs, checks }: Audit): string {
  if (ok) return runs.length === 1 ? 'the run holds' : `all ${runs.length} runs hold`
  const failed = checks.filter(({ status }) => status === 'fail').length
  return `the audit does not hold: ${failed === 1 ? 'one check fails' : `${failed} checks fail`}`
}

function checkLines(
  { style }: CommandContext,
  { name, what, status, others }: CheckGroup,
  files: readonly string[],
): string[] {
  const paint = { pass: style.out.green, fail: style.out.red, missing: style.out.dim }[status]
  return [
    `${paint(MARKS[status])} ${name.padEnd(NAME_COLUMNS)} ${what}`,
    ...others.flatMap(({ proof, code, expected, found }) => [
      ...(proof === undefined
        ? []
        : [`    ${printableLine(files[proof]!)}${code === undefined ? '' : ` (${code})`}`]),
      ...(expected === undefined ? [] : [`    expected: ${printableLine(expected)}`]),
      ...(found === undefined ? [] : [`    found:    ${printableLine(found)}`]),
    ]),
  ]
}
