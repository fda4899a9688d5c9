import { runChecks, type Check } from '../checks/index.ts'
import type { Step } from '../result.ts'
import type { CollateralDate, EvidenceVerdict, Family, FieldObject } from './types.ts'

/** What checks leave behind for the verdict, besides the facts they need of each other. */
export interface VerdictFacts {
  fields?: FieldObject
  /** Shortest validity seen so far, Unix seconds. */
  validUntil?: number
  /** What verified pieces say of their age; a check adds to those before it, see `addDates`. */
  dates?: readonly CollateralDate[]
}

/** How one family is judged. */
export interface Assessment<Facts extends VerdictFacts> {
  family: Family
  /** Whether the evidence is authentic. None of these may be skipped, except where it says so. */
  authentic: readonly Check<Facts>[]
  /** Whether it is acceptable. */
  acceptable: readonly Check<Facts>[]
  trustedParties: readonly string[]
}

/**
 * Runs every check and says what came out. All of them run, so that a verdict names everything that is
 * wrong; `reason` is the first. Acceptance is judged even where authenticity fails, as far as there are
 * facts to judge, and never makes up for it.
 */
export function assess<Facts extends VerdictFacts>(
  { family, authentic, acceptable, trustedParties }: Assessment<Facts>,
  facts: Facts,
): EvidenceVerdict {
  const first = runChecks(authentic, facts)
  const second = runChecks(acceptable, facts)
  const steps = [...first.steps, ...second.steps]
  const isAcceptable = first.ok && second.ok
  return {
    family,
    authentic: first.ok,
    acceptable: isAcceptable,
    reason: isAcceptable ? null : (firstFailure(steps)?.class ?? 'malformed'),
    steps,
    fields: facts.fields ?? {},
    trustedParties,
    dates: facts.dates ?? [],
    validUntil: facts.validUntil ?? null,
  }
}

/** The dates known so far and those of what a check has just verified. */
export function addDates(
  { dates = [] }: VerdictFacts,
  kind: CollateralDate['kind'],
  ...issuedAt: readonly number[]
): readonly CollateralDate[] {
  return [...dates, ...issuedAt.map((time) => ({ kind, issuedAt: time }))]
}

/** The earlier of two instants, of which one may not be known yet. */
export function earlier(a: number | undefined, b: number): number {
  return a === undefined ? b : Math.min(a, b)
}

function firstFailure(steps: readonly Step[]): Step | undefined {
  return steps.find(({ status }) => status === 'fail')
}
