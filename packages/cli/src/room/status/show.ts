import type { Style } from '../../terminal/index.ts'
import { formatBytes } from '../../terminal/index.ts'
import { describeLeft, showTime } from '../describe/index.ts'
import { short } from '../items.ts'
import type { ContractStatus, RoomStatus, RunStatus } from './gather.ts'
import type { NextStep } from './next-steps.ts'

/** A room as people read it, one line each. Foreign words in it the caller makes printable before it adds colours. */
export function showStatus(
  { members, contracts, runs, unreadable, unproven }: RoomStatus,
  steps: readonly NextStep[],
  style: Style,
): { text: string; paint: (line: string) => string }[] {
  const plain = (text: string) => ({ text, paint: (line: string) => line })
  const head = (text: string) => ({ text, paint: style.bold })
  const alarm = (text: string) => ({ text, paint: style.red })
  return [
    head('members'),
    ...members.map(({ name, fingerprint, isYou, isDisputed }) =>
      (isDisputed ? alarm : plain)(
        `  ${name.padEnd(12)} ${fingerprint}${isYou ? '  (you)' : ''}${isDisputed ? '  DISPUTED' : ''}`,
      ),
    ),
    ...(contracts.length === 0 ? [] : [head('contracts')]),
    ...contracts.flatMap(linesOfContract).map(plain),
    ...(runs.length === 0 ? [] : [head('runs')]),
    ...runs.flatMap(linesOfRun).map(plain),
    ...(unreadable + unproven === 0
      ? []
      : [alarm(`${unreadable + unproven} messages of the board prove nothing, and were left out`)]),
    ...(steps.length === 0 ? [] : [head('you can')]),
    ...steps.map(({ command, why }) => plain(`  ${command}   # ${why}`)),
  ]
}

const PHASES: Readonly<Record<ContractStatus['phase'], string>> = {
  draft: 'nobody has signed',
  foreign: 'of others',
  proposed: 'not all have signed',
  accepted: 'in force',
  running: 'in force, has run',
  closed: 'closed',
}

function linesOfContract(contract: ContractStatus): string[] {
  const { digest, title, phase, missing, withdrawn, data, left } = contract
  const lines = [`  ${short(digest)}  ${title}: ${PHASES[phase]}`]
  if (phase === 'foreign') return lines
  if (missing.length > 0) lines.push(`    signature missing of ${missing.join(', ')}`)
  for (const { party, consent } of withdrawn) lines.push(`    ${party} withdrew its consent to ${consent}`)
  for (const { input, owner, stated } of data)
    lines.push(
      stated === undefined
        ? `    data ${input} of ${owner}: not there yet`
        : `    data ${input} of ${owner}: version ${stated.version}, ${formatBytes(stated.bytes)} sealed, ${showTime(stated.at)}, content ${short(stated.content)}`,
    )
  for (const line of describeLeft({ left })) lines.push(`    ${line}`)
  return lines
}

function linesOfRun(run: RunStatus): string[] {
  const { transform, template, by, note, state, consents, missing, declined, failure, reviewers } = run
  const query = template === undefined ? '' : ` (${template})`
  const lines = [
    `  ${short(run.run)}  ${transform}${query}, asked by ${by} (so it says)${note === undefined ? '' : `: ${note}`}`,
    `    ${state === 'offered' ? 'offered' : `members say that it is ${state}`}`,
    `    consented: ${consents.join(', ') || 'nobody'}${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}`,
  ]
  for (const { party, reason } of declined)
    lines.push(`    ${party} declined, says somebody${reason === undefined ? '' : `: ${reason}`}`)
  if (state === 'waiting' && reviewers.length > 0)
    lines.push(`    to be looked at by ${reviewers.join(', ')}`)
  if (failure !== undefined)
    lines.push(
      `    failed, members say: ${failure.message} [${failure.code}${failure.rule === undefined ? '' : `, rule ${failure.rule}`}]`,
    )
  return lines
}
