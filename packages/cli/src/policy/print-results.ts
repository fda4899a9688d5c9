import type { CaseResult, TupleVerdict } from '@sotto/verifier/appraisal'
import type { CommandContext } from '../framework/index.ts'
import { formatSteps, printableLine } from '../terminal/index.ts'

/** One line for each case, and under it why the tuples did not admit what was to be admitted, or was alone. */
export function printResults(
  context: CommandContext,
  results: readonly CaseResult[],
  isExpected: boolean,
): void {
  const style = context.style.out
  for (const result of results) {
    const { name, admitted, tuple, reason, assumed, problems } = result
    const isRight = isExpected ? problems.length === 0 : admitted
    const mark = isRight ? style.green('✓') : style.red('✗')
    const verdict = admitted ? `admitted by ${tuple}` : `refused: ${reason}`
    context.out(`${mark} ${printableLine(name)}: ${printableLine([verdict, ...problems].join('; '))}`)
    if (assumed.length > 0) context.out(style.dim(`    taken for granted: ${assumed.join(', ')}`))
    if (admitted || (isExpected && isRight)) continue
    for (const line of result.appraisal.tuples.flatMap((one) => describeTuple(context, one)))
      context.out(line)
  }
  if (!isExpected) {
    const parties = results.flatMap(({ admitted, appraisal }) =>
      admitted
        ? appraisal.tuples.flatMap(({ pieces }) => pieces.flatMap((piece) => piece.trustedParties))
        : [],
    )
    if (parties.length > 0) context.out(`you trust: ${printableLine([...new Set(parties)].join('; '))}`)
    return
  }
  const right = results.filter(({ problems }) => problems.length === 0).length
  const summary = `${right} of ${results.length} cases as expected`
  context.out(right === results.length ? style.green(summary) : style.red(summary))
}

function describeTuple(context: CommandContext, { name, steps, pieces }: TupleVerdict): string[] {
  const failed = [...steps, ...pieces.flatMap((piece) => piece.steps)].filter(
    ({ status }) => status === 'fail',
  )
  // What the pieces say themselves need not be said once more in one step.
  const own = failed.filter((step) => step.name !== 'policy.evidence')
  return [`  ${printableLine(name)}:`, ...formatSteps(own, context.style.out).map((line) => `  ${line}`)]
}
