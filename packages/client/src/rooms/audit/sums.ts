import { type Charge, chargesOf, type Contract, type Spent } from '@sotto/protocol/contract'
import type { Audit, AuditedRun } from './types.ts'

/**
 * What runs take of each edge by the contract: a receipt that says less makes no budget larger. A training is charged once,
 * in the run that began it: that one has no proof where another went on with it and gave the result.
 */
export function spentBy(contract: Contract, runs: readonly AuditedRun[]): Spent[] {
  const sums = new Map<string, Spent>()
  const add = ({ input, transform, runs: times, epsilonMicros = 0, deltaTrillionths = 0 }: Charge): void => {
    const key = `${input} ${transform}`
    const before = sums.get(key) ?? { input, transform, runs: 0, epsilonMicros: 0 }
    const delta = (before.deltaTrillionths ?? 0) + deltaTrillionths
    sums.set(key, {
      ...before,
      runs: before.runs + times,
      epsilonMicros: before.epsilonMicros + epsilonMicros,
      ...(delta > 0 && { deltaTrillionths: delta }),
    })
  }
  const began = new Map(runs.map(({ run, resumes = run, transform }) => [resumes, transform]))
  for (const transform of began.values()) for (const charge of chargesOf(contract, transform)) add(charge)
  return [...sums.values()]
}

/** Numbers before the last run that no run here has, as ranges: a receipt may name any number. @param runs by sequence number */
export function gapsOf(runs: readonly AuditedRun[]): Audit['gaps'] {
  return runs.flatMap(({ sequence }, at) => {
    const from = (runs[at - 1]?.sequence ?? 0) + 1
    return from < sequence ? [{ from, to: sequence - 1 }] : []
  })
}
