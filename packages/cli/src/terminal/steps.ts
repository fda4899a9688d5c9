import type { Step } from '@sotto/verifier'
import { printableLine, type Style } from './style.ts'

const MARKS = { pass: '✓', fail: '✗', skipped: '-' } as const

/** One line for each step; failures and skips say why. What a passed step compared is for `--json`. */
export function formatSteps(steps: readonly Step[], style: Style): string[] {
  const paint = { pass: style.green, fail: style.red, skipped: style.dim }
  return steps.flatMap((step) => {
    const lines = [
      `${paint[step.status](MARKS[step.status])} ${step.name.padEnd(26)} ${printableLine(step.title)}`,
    ]
    if (step.status === 'pass') return lines
    if (step.reason !== undefined)
      lines.push(`    ${step.status === 'fail' ? 'why' : 'skipped'}: ${printableLine(step.reason)}`)
    if (step.expected !== undefined) lines.push(`    expected: ${printableLine(step.expected)}`)
    if (step.found !== undefined) lines.push(`    found:    ${printableLine(step.found)}`)
    return lines
  })
}
