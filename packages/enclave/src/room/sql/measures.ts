import { isNumeric } from './column-type.ts'
import type { ColumnExpression, Expression } from './plan.ts'

const OPERATORS: ReadonlySet<string> = new Set(['+', '-', '*'])

/**
 * The two columns of a sum, difference or product of two columns of one owner, which the owner brought as they are.
 *
 * Of protected people, nothing else is summed but a column. An expression that can choose (CASE, a comparison, rounding, a
 * constant so large that it swallows what it is added to) makes a sum over many a fact about one of them; and so does a
 * product with a column of another owner, who can bring one that is zero everywhere but in one row.
 */
export function pairOf(expression: Expression): [ColumnExpression, ColumnExpression] | undefined {
  if (expression.kind !== 'call' || !OPERATORS.has(expression.name) || expression.owners.length > 1)
    return undefined
  const [left, right, more] = expression.items
  if (left === undefined || right === undefined || more !== undefined) return undefined
  return isOwn(left) && isOwn(right) ? [left, right] : undefined
}

/** Whether it may be summed: see {@link pairOf}. */
export function isMeasure(expression: Expression): boolean {
  if (!isNumeric(expression.type) || expression.owners.length !== 1) return false
  return (expression.kind === 'column' && expression.made !== 'anyhow') || pairOf(expression) !== undefined
}

/** Whether no row lacks it. */
export function isNeverNull(expression: Expression): boolean {
  if (expression.kind === 'column') return expression.neverNull
  return pairOf(expression)?.every(({ neverNull }) => neverNull) ?? false
}

function isOwn(expression: Expression): expression is ColumnExpression {
  return expression.kind === 'column' && expression.made === 'column' && isNumeric(expression.type)
}
