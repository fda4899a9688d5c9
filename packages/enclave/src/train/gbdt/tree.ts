import type { Part } from '../data/part.ts'
import { cellOf } from './bins.ts'

/** A leaf, with what it adds to a score in single precision, or a question with the places of its answers. */
export type TreeNode =
  | { readonly leaf: number }
  | {
      /** Place among the features. */
      readonly feature: number
      /** Left are numbers in cells below this one, or rows of this category. */
      readonly at: number
      readonly left: number
      readonly right: number
    }

/** Nodes of a tree, from its root; answers come after their question. */
export type Tree = readonly TreeNode[]

/** Trees of all rounds; a score is the base and the leaves that a row comes to. */
export interface Forest {
  /** Scores of a row: one of a number or two classes, else one of each class. */
  readonly outputs: number
  readonly base: Float32Array
  /** Of each round, the tree of each output. */
  readonly rounds: readonly (readonly Tree[])[]
}

/** Scores of all rows. */
export function scoreForest({ outputs, base, rounds }: Forest, part: Part): Float32Array {
  const scores = new Float64Array(part.rows * outputs)
  for (let at = 0; at < scores.length; at++) scores[at] = base[at % outputs]!
  const { columns, values } = part
  const isNumber = columns.map(({ kind }) => kind === 'number')
  const cells = Uint16Array.from(values, (value, at) =>
    isNumber[at % columns.length] ? cellOf(value) : value,
  )
  for (const trees of rounds)
    for (const [output, tree] of trees.entries())
      for (let row = 0; row < part.rows; row++) {
        let node = tree[0]!
        while (!('leaf' in node)) {
          const found = cells[row * columns.length + node.feature]!
          const isLeft = isNumber[node.feature] ? found < node.at : found === node.at
          node = tree[isLeft ? node.left : node.right]!
        }
        const at = row * outputs + output
        scores[at] = scores[at]! + node.leaf
      }
  return Float32Array.from(scores)
}
