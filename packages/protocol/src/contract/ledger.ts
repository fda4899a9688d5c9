import { contractError } from './errors.ts'
import { planRun } from './graph.ts'
import { priceOf } from './prices.ts'
import type { Charge, RunOffer } from './runs.ts'
import type { Contract, Name, Use } from './types.ts'

/** What was taken from the budget of one edge. */
export interface Spent {
  input: Name
  transform: Name
  runs: number
  /** In millionths. */
  epsilonMicros: number
  /** In 10^-12. Absent: none. */
  deltaTrillionths?: number
}

/**
 * What a run of a transform costs, whatever comes of it. It follows from the contract alone, so that nobody chooses it:
 * one run on each edge; and wherever a step adds noise, its price on the edges of that step that have such a budget. An
 * input that asks for noise has one at every query and training that reads it; of an input without one, exact figures may
 * leave.
 * @throws `TypeError` for a transform that the contract does not have
 */
export function chargesOf(contract: Contract, transform: Name): Charge[] {
  const { edges, transforms } = planRun(contract, transform)
  return edges.map(({ input, transform: reader }) => {
    const { task } = transforms.find(({ name }) => name === reader)!
    const isPaid = useOf(contract, input, reader)?.epsilonMicros !== undefined
    return { input, transform: reader, runs: 1, ...(isPaid && priceOf(task, input)) }
  })
}

/** What the run of an offer costs: nothing where it goes on with one that was charged. */
export function chargesOfRun(
  contract: Contract,
  { transform, resumes }: Pick<RunOffer, 'transform' | 'resumes'>,
): Charge[] {
  return resumes === undefined ? chargesOf(contract, transform) : []
}

/**
 * The ledger after these charges, all of them or none. Sums are of whole numbers: however many come, nothing is rounded.
 * @throws `CONTRACT_BUDGET` with the first edge that has too little left; `TypeError` for a ledger or a charge that
 *   gives something back, is no whole number or has an edge twice
 */
export function charged(
  contract: Contract,
  ledger: readonly Spent[],
  charges: readonly Charge[],
): readonly Spent[] {
  const after = new Map(ledger.map((spent) => [keyOf(spent), spent]))
  if (after.size < ledger.length) throw new TypeError('an edge stands in the ledger twice')
  for (const { runs, epsilonMicros = 0, deltaTrillionths = 0 } of [...ledger, ...charges])
    if (![runs, epsilonMicros, deltaTrillionths].every((part) => Number.isSafeInteger(part) && part >= 0))
      throw new TypeError('ledger and charges are of whole numbers, and give nothing back')
  for (const charge of charges) {
    const spent = withCharge(after.get(keyOf(charge)), charge)
    requireWithin(contract, spent)
    after.set(keyOf(charge), spent)
  }
  return [...after.values()]
}

/** What charges come to on each edge, whatever a budget says to it. */
export function sumOfCharges(charges: readonly Charge[]): Spent[] {
  const sums = new Map<string, Spent>()
  for (const charge of charges) sums.set(keyOf(charge), withCharge(sums.get(keyOf(charge)), charge))
  return [...sums.values()]
}

function withCharge(before: Spent | undefined, charge: Charge): Spent {
  const { input, transform, runs, epsilonMicros = 0, deltaTrillionths = 0 } = charge
  const delta = (before?.deltaTrillionths ?? 0) + deltaTrillionths
  return {
    input,
    transform,
    runs: (before?.runs ?? 0) + runs,
    epsilonMicros: (before?.epsilonMicros ?? 0) + epsilonMicros,
    ...(delta > 0 && { deltaTrillionths: delta }),
  }
}

/** What is left on one edge. */
export interface Left {
  input: Name
  transform: Name
  runs: number
  /** Absent: the use has no such budget. */
  epsilonMicros?: number
  deltaTrillionths?: number
}

/** What is left of every budget of a contract. */
export function remaining({ inputs }: Contract, ledger: readonly Spent[]): Left[] {
  return inputs.flatMap(({ name, uses }) =>
    uses.map(({ transform, runs, epsilonMicros, deltaTrillionths }) => {
      const spent = ledger.find((one) => one.input === name && one.transform === transform)
      return {
        input: name,
        transform,
        runs: runs - (spent?.runs ?? 0),
        ...(epsilonMicros !== undefined && { epsilonMicros: epsilonMicros - (spent?.epsilonMicros ?? 0) }),
        ...(deltaTrillionths !== undefined && {
          deltaTrillionths: deltaTrillionths - (spent?.deltaTrillionths ?? 0),
        }),
      }
    }),
  )
}

function useOf({ inputs }: Contract, input: Name, transform: Name): Use | undefined {
  return inputs.find(({ name }) => name === input)?.uses.find((one) => one.transform === transform)
}

function requireWithin(
  contract: Contract,
  { input, transform, runs, epsilonMicros, deltaTrillionths = 0 }: Spent,
): void {
  const use = useOf(contract, input, transform)
  const refuse = (expected: string, found: string): Error =>
    contractError('CONTRACT_BUDGET', `the budget of ${input} for ${transform} does not suffice`, {
      expected,
      found,
    })
  if (use === undefined) throw refuse('a use in the contract', 'none')
  if (runs > use.runs) throw refuse(`at most ${use.runs} runs`, `${runs}`)
  const limit = use.epsilonMicros ?? 0
  if (epsilonMicros > limit)
    throw refuse(`epsilon of at most ${limit} millionths`, `${epsilonMicros} millionths`)
  const most = use.deltaTrillionths ?? 0
  if (deltaTrillionths > most)
    throw refuse(`delta of at most ${most} trillionths`, `${deltaTrillionths} trillionths`)
}

function keyOf({ input, transform }: { input: Name; transform: Name }): string {
  return `${input} ${transform}`
}
