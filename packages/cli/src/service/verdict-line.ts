import { refusingSteps, type Verdict } from '@sotto/verifier'
import type { CommandContext } from '../framework/index.ts'
import { printableLine, type Style } from '../terminal/index.ts'

/**
 * What a verdict proved, in one line: hardware, release, log and witnesses. A software TEE stands first and is never
 * green (T10).
 */
export function formatVerdictLine(verdict: Verdict, style: Style): string {
  if (!verdict.ok) {
    const names = refusingSteps(verdict.steps).map(({ name }) => name)
    return style.red(`✗ not verified: ${names.join(', ')}`)
  }
  const facts = [releaseOf(verdict), logOf(verdict), witnessesOf(verdict)].map(printableLine)
  if (verdict.software)
    return `${style.yellow('! verified, but on a SOFTWARE TEE, not hardware')} · ${facts.join(' · ')}`
  return `${style.green('✓ verified')} · ${[printableLine(hardwareOf(verdict)), ...facts].join(' · ')}`
}

/**
 * Says what was proven before anything is typed: to people, so on a terminal only; a script reads `--json`.
 */
export function announceVerdict(context: CommandContext, verdict: Verdict): void {
  const line = formatVerdictLine(verdict, context.style.err)
  if (context.io.stderr.isTerminal) context.note(line)
  else context.detail(line)
}

/** `sev-snp with nvidia`; what follows the comma is which line of the policy admitted it. */
function hardwareOf(verdict: Verdict): string {
  return `hardware ${foundBy(verdict, 'kms.evidence').split(',')[0]}`
}

/** Role and version; the measurements are for `/verify`. */
function releaseOf(verdict: Verdict): string {
  const named = foundBy(verdict, 'kms.measurement').split(' (')[0]
  return `release ${named} in the log`
}

function logOf(verdict: Verdict): string {
  return `log ${foundBy(verdict, 'log.checkpoint')}`
}

function witnessesOf(verdict: Verdict): string {
  const [count = ''] = foundBy(verdict, 'log.witnesses').split(',')
  const independent = verdict.steps.some(
    ({ name, status }) => name === 'log.witnesses-independent' && status === 'pass',
  )
  return `${count} ${count === '1' ? 'witness' : 'witnesses'}, ${independent ? 'independent' : "the operator's own"}`
}

function foundBy({ steps }: Verdict, name: string): string {
  return steps.find((step) => step.name === name && step.status === 'pass')?.found ?? 'not shown'
}
