import type { ExpressionType } from './column-type.ts'
import { refuse } from './errors.ts'
import type { Expression, Shown } from './plan.ts'
import { fold } from './scope.ts'
import type { ExpressionSyntax, SelectSyntax } from './syntax.ts'

/** ORDER BY: numbers and names of what is shown, or expressions like it. */
export function planOrder(
  { order }: SelectSyntax,
  items: readonly Expression[],
  labels: readonly string[],
  resolveOne: (syntax: ExpressionSyntax) => Expression,
): Shown['order'] {
  return order.map(({ expression, descending, nulls }) => ({
    descending,
    nulls,
    expression: itemFor(expression, items, labels) ?? resolveOne(expression),
  }))
}

function itemFor(
  syntax: ExpressionSyntax,
  items: readonly Expression[],
  labels: readonly string[],
): Expression | undefined {
  if (syntax.kind === 'constant' && syntax.type === 'integer') {
    const item = items[(syntax.value as number) - 1]
    if (item === undefined) throw refuse('known-column', `ORDER BY ${syntax.value}`)
    return item
  }
  if (syntax.kind !== 'column' || syntax.path.length !== 1) return undefined
  return items[labels.indexOf(fold(syntax.path[0]!))]
}

/** LIMIT and OFFSET: whole numbers of the template, or parameters. */
export function planLimit(
  { limit, offset }: SelectSyntax,
  { parameters }: { parameters: ReadonlyMap<string, ExpressionType> },
): Pick<Shown, 'limit' | 'offset'> {
  const one = (syntax: ExpressionSyntax | undefined): Expression | undefined => {
    if (syntax === undefined) return undefined
    if (syntax.kind === 'constant' && syntax.type === 'integer' && (syntax.value as number) >= 0)
      return { kind: 'constant', type: 'integer', owners: [], value: syntax.value }
    if (syntax.kind === 'parameter' && parameters.get(fold(syntax.name)) === 'integer')
      return { kind: 'parameter', name: fold(syntax.name), type: 'integer', owners: [] }
    throw refuse('type', 'LIMIT of something that is no whole number')
  }
  return { limit: one(limit), offset: one(offset) }
}
