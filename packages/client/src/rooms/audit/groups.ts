import type { AuditCheck, CheckStatus } from './types.ts'

/** One question, and how it was answered for each that it was asked about. */
export interface CheckGroup {
  name: string
  what: string
  /** The worst of its answers: one failure is one too many. */
  status: CheckStatus
  passed: number
  /** Answers that are no pass, in the order of the proofs. */
  others: AuditCheck[]
}

/** Checks by their names, in the order in which they first came. */
export function groupChecks(checks: readonly AuditCheck[]): CheckGroup[] {
  const groups = new Map<string, CheckGroup>()
  for (const check of checks) {
    const { name, what, status } = check
    const group = groups.get(name) ?? { name, what, status: 'pass', passed: 0, others: [] }
    groups.set(name, group)
    if (status === 'pass') group.passed += 1
    else group.others.push(check)
    if (status === 'fail' || (status === 'missing' && group.status === 'pass')) group.status = status
  }
  return [...groups.values()]
}
