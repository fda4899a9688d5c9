import type { Step } from '@sotto/verifier'
import { printableLine } from './printable.ts'
import type { Style } from './style.ts'

const MARKS = { pass: '✓', fail: '✗', skipped: '-' } as const

/**
 * One line for each step, with whether it must pass or may be skipped; failures and skips say why.
 * What a passed step compared is for `--json`.
 */
export function formatSteps(steps: readonly Step[], style: Style): string[] {
  return steps.flatMap((step) => {
    const { status, required, reason, expected, found } = step
    const isRefusing = status === 'fail' || (required && status === 'skipped')
    const paint = isRefusing ? style.red : status === 'pass' ? style.green : style.dim
    const lines = [
      `${paint(MARKS[status])} ${step.name.padEnd(26)} ${required ? 'required' : 'may skip'}  ${printableLine(step.title)}`,
    ]
    if (status === 'pass') return lines
    if (status === 'skipped') {
      // One line even where a failure left twenty steps unchecked.
      const why = expected === undefined ? reason : `${reason} (${expected})`
      return [...lines, `    skipped: ${printableLine(why ?? '')}`]
    }
    if (reason !== undefined) lines.push(`    why: ${printableLine(reason)}`)
    if (expected !== undefined) lines.push(`    expected: ${printableLine(expected)}`)
    if (found !== undefined) lines.push(`    found:    ${printableLine(found)}`)
    return lines
  })
}
