import type { Reason } from '../family/types.ts'
import type { Step } from '../result.ts'

/** Thrown by a check that found something other than it requires. */
export class Refusal extends Error {
  readonly expected: string | undefined
  readonly found: string | undefined
  /** Class of the reason, for checks of evidence. */
  readonly class: Reason | undefined

  constructor(reason: string, expected?: string, found?: string, of?: Reason) {
    super(reason)
    this.expected = expected
    this.found = found
    this.class = of
  }
}

/**
 * Thrown by a check that does not apply, with the reason; allowed only where the check says so. No Error: sound
 * evidence has a dozen, and the stack of each takes longer than most checks.
 */
export class Skip {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** One check: what it establishes, what it builds on, and how. */
export interface Check<Facts, Name extends string = string> {
  name: Name
  title: string
  /** Facts it needs from earlier checks; without them it cannot run and does not pass. */
  needs: readonly (keyof Facts)[]
  /** Adds what it established to the facts and says what it found. Throws {@link Refusal}, {@link Skip} or any error. */
  run(facts: Required<Facts>): { adds?: Partial<Facts>; found?: string; expected?: string } | void
  /** True when a skip of this check does not stop the verdict, unless it is required by name. */
  maySkip?: boolean
  /** Class of a refusal that names none, for checks of evidence. */
  class?: Reason
}

/** How one check ended. */
type Outcome = Pick<Step, 'status' | 'expected' | 'found' | 'reason' | 'class'>

/**
 * Runs every check in order and collects every refusal. `ok` only when each passed, or skipped
 * where it may: a check whose grounds are missing never counts as passed, and one that `required`
 * names must pass.
 */
export function runChecks<Facts extends object>(
  checks: readonly Check<Facts>[],
  facts: Facts,
  required: readonly string[] = [],
): { ok: boolean; steps: Step[] } {
  const steps: Step[] = []
  let ok = true
  for (const check of checks) {
    const missing = check.needs.filter((need) => facts[need] === undefined)
    const isRequired = check.maySkip !== true || required.includes(check.name)
    const outcome = missing.length > 0 ? groundless(missing) : runCheck(check, facts)
    const maySkip = missing.length === 0 && !isRequired
    if (outcome.status !== 'pass' && !(outcome.status === 'skipped' && maySkip)) ok = false
    const { name, title } = check
    steps.push({ name, title, required: isRequired, ...outcome })
  }
  return { ok, steps }
}

/** A check that could not run: earlier ones did not establish what it builds on. */
function groundless<Facts>(missing: readonly (keyof Facts)[]): Outcome {
  return { status: 'skipped', reason: `not checked: ${missing.map(String).join(', ')} is not established` }
}

function runCheck<Facts extends object>(check: Check<Facts>, facts: Facts): Outcome {
  try {
    const { adds, found, expected } = check.run(facts as Required<Facts>) ?? {}
    Object.assign(facts, adds)
    return {
      status: 'pass',
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    }
  } catch (error) {
    if (error instanceof Skip) return { status: 'skipped', reason: error.message }
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    const of = (error instanceof Refusal ? error.class : undefined) ?? check.class
    return {
      status: 'fail',
      reason: message,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      ...(of !== undefined && { class: of }),
    }
  }
}
