import { chargesOf, type Contract, type Spent, sumOfCharges } from '@sotto/protocol/contract'
import type { Audit, AuditedRun } from './types.ts'

/**
 * What runs take of each edge by the contract: a receipt that says less makes no budget larger. A training is charged once,
 * in the run that began it: that one has no proof where another went on with it and gave the result.
 */
export function spentBy(contract: Contract, runs: readonly AuditedRun[]): Spent[] {
  const began = new Map(runs.map(({ run, resumes = run, transform }) => [resumes, transform]))
  return sumOfCharges([...began.values()].flatMap((transform) => chargesOf(contract, transform)))
}

/** Numbers before the last run that no run here has, as ranges: a receipt may name any number. @param runs by sequence number */
export function gapsOf(runs: readonly AuditedRun[]): Audit['gaps'] {
  return runs.flatMap(({ sequence }, at) => {
    const from = (runs[at - 1]?.sequence ?? 0) + 1
    return from < sequence ? [{ from, to: sequence - 1 }] : []
  })
}
