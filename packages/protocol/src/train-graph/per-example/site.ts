import type { BatchAxis } from '../batch-axis/axis.ts'
import type { Node, Value } from '../ir.ts'
import type { Factor } from './by-example.ts'

/** The one place where a weight, or a view of it, meets examples. */
export interface Site {
  readonly node: Node
  /** Which input of the node the weight is. */
  readonly index: number
  /** That input. */
  readonly weight: Value
  /** Gradient of the node's first output. */
  readonly g: Value
  /** Where the examples are in that output. */
  readonly at: BatchAxis
  /**
   * Where the weight is rows of a table, some more than once, at indices that do not depend on examples: for each row
   * which of the table's rows it is. Gradients of the same row add up before they have a norm.
   */
  readonly rows: readonly number[] | undefined
  /** Where examples are in another input. */
  axisOf(value: Value): BatchAxis
  /** Whether an input of the node holds finite numbers only, whatever the weights are. */
  isFinite(value: Value): boolean
}

/** A weight's gradients for single examples, without storing them where that can be avoided. */
export interface PerExample {
  /**
   * Square of the norm of each example's gradient: [batch]. Never less than that of what `sum` adds for it, but for
   * rounding of a relative size far below the slack of the clip.
   */
  readonly squared: Value
  /** Sum over examples of each one's gradient times its factor, in the weight's shape. */
  sum(factor: Factor): Value
}
