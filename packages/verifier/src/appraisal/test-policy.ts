import type { Reason } from '../family/index.ts'
import { type Families, FAMILY_REGISTRY } from './families.ts'
import { type AppraisalContext, appraiseEvidence, type EvidencePiece } from './appraise.ts'
import type { EvidencePolicy } from './types.ts'
import type { EvidenceAppraisal, TupleVerdict } from './verdict.ts'

/** What the owner of a policy expects of it. */
export interface CaseExpectation {
  admitted: boolean
  /** Which tuple admits. */
  tuple?: string
  /** Class of the reason why not. */
  reason?: Reason
}

/** Evidence to try a policy on. */
export interface PolicyCase extends AppraisalContext {
  name: string
  pieces: readonly EvidencePiece[]
  expect?: CaseExpectation
}

/** How a policy answered one case. */
export interface CaseResult {
  name: string
  admitted: boolean
  tuple: string | null
  reason: Reason | null
  /** Steps that were taken for granted, for the case says nothing about binding and age. */
  assumed: string[]
  /** What is not as expected, in words; empty where everything is, or nothing was expected. */
  problems: string[]
  appraisal: EvidenceAppraisal
}

/**
 * Tries a policy on evidence. A case without a binding takes for granted that the evidence is bound and recent,
 * and says so: archived evidence is neither. {@link appraiseEvidence} itself takes nothing for granted.
 */
export function testPolicy(
  policy: EvidencePolicy,
  cases: readonly PolicyCase[],
  families: Families = FAMILY_REGISTRY,
): CaseResult[] {
  return cases.map(({ name, pieces, expect, ...context }) => {
    const appraisal = appraiseEvidence(pieces, policy, context, families)
    const lenient =
      appraisal.admitted || context.expectedReportData !== undefined
        ? undefined
        : appraisal.tuples.find((tuple) => failedSteps(tuple).every(isAboutBinding))
    const result = {
      admitted: appraisal.admitted || lenient !== undefined,
      tuple: appraisal.tuple ?? lenient?.name ?? null,
      reason: lenient === undefined ? reasonOf(appraisal, context) : null,
    }
    return {
      name,
      ...result,
      assumed: assumedSteps(appraisal, lenient),
      problems: expect === undefined ? [] : findProblems(expect, result),
      appraisal,
    }
  })
}

const BINDING_STEPS: ReadonlySet<string> = new Set([
  'policy.binding',
  'policy.freshness',
  'policy.gpu-binding',
])

type FailedStep = TupleVerdict['steps'][number]

/** Everything that stands in the way of a tuple, what could not be checked included. */
function failedSteps({ steps }: TupleVerdict): FailedStep[] {
  return steps.filter(({ status, required }) => status === 'fail' || (status === 'skipped' && required))
}

/** Why it is refused; without a binding the first reason that has nothing to do with one, where there is any. */
function reasonOf(
  { reason, tuples }: EvidenceAppraisal,
  { expectedReportData }: AppraisalContext,
): Reason | null {
  if (reason !== 'binding' || expectedReportData !== undefined) return reason
  const failed = tuples.filter((tuple) => tuple.reason === reason).flatMap(failedSteps)
  return failed.find((step) => step.class !== undefined && !isAboutBinding(step))?.class ?? reason
}

/** Whether a step failed only because nothing was given to compare with. Too many GPUs are another class. */
function isAboutBinding({ name, reason, class: of }: FailedStep): boolean {
  if (name === 'policy.freshness') return reason === 'nothing says how old it is'
  return BINDING_STEPS.has(name) && of === 'binding'
}

function assumedSteps(appraisal: EvidenceAppraisal, lenient: TupleVerdict | undefined): string[] {
  const tuple = lenient ?? appraisal.tuples.find(({ admitted }) => admitted)
  return (tuple?.steps ?? [])
    .filter(
      ({ name, status, reason }) =>
        BINDING_STEPS.has(name) && status !== 'pass' && reason !== 'no GPU takes part',
    )
    .map(({ name }) => name)
}

function findProblems(
  expected: CaseExpectation,
  found: Pick<CaseResult, 'admitted' | 'tuple' | 'reason'>,
): string[] {
  const word = (admitted: boolean): string => (admitted ? 'admitted' : 'refused')
  if (expected.admitted !== found.admitted)
    return [`expected ${word(expected.admitted)}, found ${word(found.admitted)}`]
  const problems: string[] = []
  if (expected.tuple !== undefined && expected.tuple !== found.tuple)
    problems.push(`expected tuple ${expected.tuple}, found ${found.tuple ?? 'none'}`)
  if (expected.reason !== undefined && expected.reason !== found.reason)
    problems.push(`expected reason ${expected.reason}, found ${found.reason ?? 'none'}`)
  return problems
}
