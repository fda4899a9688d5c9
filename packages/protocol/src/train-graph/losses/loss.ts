import type { GraphBuilder } from '../builder.ts'
import { graphError } from '../errors.ts'
import type { Value } from '../ir.ts'

/** A loss: what it wants as target, and its value for each example. */
export interface Loss {
  /** Type and dimensions of the target that fits an output. @throws `GRAPH_LOSS` */
  targetOf(output: Value): Pick<Value, 'type' | 'dims'>
  /** One number for each example: [batch]. */
  add(b: GraphBuilder, output: Value, target: Value): Value
}

/** An output that a loss cannot be of. */
export function unfit(loss: string, expected: string, { dims, type }: Value): Error {
  return graphError('GRAPH_LOSS', `${loss} wants an output of ${expected}`, `${type} [${dims.join(',')}]`)
}

/** Whether a value holds numbers for examples in so many dimensions. */
export function isReal({ type, dims }: Value, ranks: readonly number[]): boolean {
  return type === 'float32' && ranks.includes(dims.length)
}
