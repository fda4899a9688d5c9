import { countOf } from '../../onnx/index.ts'
import { axisOf, intOf, wordOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { inputOf, type Node, type Value } from '../ir.ts'
import { expanded, reordered, reshaped, zeros } from '../math.ts'
import { type Taken, takenOf } from '../shapes/slices.ts'
import { constantInts, first, noRule, type Rule } from './rule.ts'

const concat: Rule = (b, node, grads) => {
  const axis = axisOf(intOf(node, 'axis', 0), inputOf(node, 0).dims.length, node.where)
  let end = 0
  return node.inputs.map((input) => {
    const start = end
    end += input!.dims[axis]!
    const to = end
    return () => b.add('Slice', [first(grads), b.ints([start]), b.ints([to]), b.ints([axis])])
  })
}

const split: Rule = (b, node, grads) => [
  () => {
    const axis = axisOf(intOf(node, 'axis', 0), inputOf(node, 0).dims.length, node.where)
    const parts = node.outputs.map((output, i) => grads[i] ?? zeros(b, output, output.dims))
    return parts.length === 1 ? parts[0]! : b.add('Concat', parts, { axis })
  },
]

/** What a Slice that is in the graph takes. */
export function sliceOf(b: GraphBuilder, node: Node): readonly Taken[] {
  return takenOf({
    ...node,
    count: 1,
    constant: (value) => b.constantOf(value),
    integers: (i) => constantInts(b, node.inputs[i]),
  })
}

const slice: Rule = (b, node, grads) => [
  () => {
    const taken = sliceOf(b, node)
    if (taken.some(({ step }) => step !== 1)) throw noRule(node, 'slice in steps')
    const { dims } = inputOf(node, 0)
    const after = taken.map(({ start, count }, i) => dims[i]! - start - count)
    return b.add('Pad', [first(grads), b.ints([...taken.map(({ start }) => start), ...after])])
  },
]

/**
 * Rows of a table go back to it by ScatterElements, which the runtime adds one after the other: ScatterND may use
 * several threads, and the bits would depend on which is first.
 */
const gather: Rule = (b, node, grads) => [
  () => {
    const [data, indices] = [inputOf(node, 0), inputOf(node, 1)]
    const axis = axisOf(intOf(node, 'axis', 0), data.dims.length, node.where)
    const ranks = indices.dims.length
    const places = [...first(grads).dims.keys()]
    const order = [...places.splice(axis, ranks), ...places]
    const rest = data.dims.toSpliced(axis, 1)
    const rows = reshaped(b, reordered(b, first(grads), order), [countOf(indices.dims), countOf(rest)])
    const table = scatterRows(b, rows, indices, data.dims[axis]!)
    const back = reshaped(b, table, [data.dims[axis]!, ...rest])
    return reordered(b, back, [...rest.keys()].map((i) => i + 1).toSpliced(axis, 0, 0))
  },
]

/** A table of `count` rows into which each of `rows` is added at its index. */
export function scatterRows(b: GraphBuilder, rows: Value, indices: Value, count: number): Value {
  const [size, columns] = rows.dims
  const at = expanded(b, reshaped(b, indices, [size!, 1]), [size!, columns!])
  return b.add('ScatterElements', [zeros(b, rows, [count, columns!]), at, rows], {
    axis: 0,
    reduction: 'add',
  })
}

const gatherElements: Rule = (b, node, grads) => [
  () => {
    const [data, indices] = [inputOf(node, 0), inputOf(node, 1)]
    const axis = axisOf(intOf(node, 'axis', 0), data.dims.length, node.where)
    return b.add('ScatterElements', [zeros(b, data, data.dims), indices, first(grads)], {
      axis,
      reduction: 'add',
    })
  },
]

/** Zeros around an input have no gradient. */
const pad: Rule = (b, node, grads) => [
  () => {
    const pads = constantInts(b, node.inputs[1])
    const { dims } = inputOf(node, 0)
    const isConstant = wordOf(node, 'mode', 'constant') === 'constant'
    if (pads === undefined || !isConstant) throw noRule(node, 'pad other than with a constant')
    const starts = pads.slice(0, dims.length)
    return b.add('Slice', [first(grads), b.ints(starts), b.ints(starts.map((start, i) => start + dims[i]!))])
  },
]

/** A running sum: each element gets the gradients of the sums that it is in, which run the other way. */
const cumulate: Rule = (b, node, grads) => [
  () => {
    const reverse = 1 - intOf(node, 'reverse', 0)
    return b.add('CumSum', [first(grads), node.inputs[1]], {
      reverse,
      exclusive: intOf(node, 'exclusive', 0),
    })
  },
]

/** Operators that take parts, put them together, or add along an axis. */
export const sliceRules: readonly (readonly [string, Rule])[] = [
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['Pad', pad],
  ['CumSum', cumulate],
]
