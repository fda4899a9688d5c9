import { countOf, type ElementType, integersOf, type OnnxTensor, tensorOf } from '../onnx/index.ts'
import { axisOf, intOf, intsOf } from './attributes.ts'
import { MAX_FOLDED } from './limits.ts'
import { reducedAxes } from './shapes/reduce.ts'
import type { Asked, Shape } from './shapes/shape-of.ts'
import { takenOf } from './shapes/slices.ts'

/** Whole numbers and truths: what shapes and positions are made of. Real numbers are left to the runtime. */
const FOLDED: readonly ElementType[] = ['int64', 'int32', 'bool']

type Numbers = readonly number[]

/**
 * Content of a node's only output where it can be told while a graph is built: whole numbers, at most
 * {@link MAX_FOLDED} of them, from inputs that are known. Undefined otherwise; the node then stays in the graph.
 */
export function fold(node: Asked, [shape]: readonly Shape[]): OnnxTensor | undefined {
  if (shape === undefined || !FOLDED.includes(shape.type) || countOf(shape.dims) > MAX_FOLDED)
    return undefined
  const rule = RULES[node.op]
  if (rule === undefined) return undefined
  const inputs: Numbers[] = []
  // The content of what Shape and Size look at does not matter.
  if (node.op !== 'Shape' && node.op !== 'Size')
    for (const value of node.inputs) {
      if (value === undefined) continue
      const tensor = node.constant(value)
      if (tensor === undefined || !FOLDED.includes(tensor.type) || countOf(tensor.dims) > MAX_FOLDED)
        return undefined
      inputs.push(integersOf(tensor))
    }
  const values = rule(node, inputs, shape)
  // What leaves the exact numbers would be another number in the runtime.
  if (!values.every((value) => Number.isSafeInteger(value) || EXTREMES.has(value))) return undefined
  return tensorOf(
    '',
    shape.type as 'int64',
    shape.dims,
    values.map((value) => (EXTREMES.has(value) ? clamped(value) : value)),
  )
}

/** "To the end", as exporters write it, and the number that stands for it: beyond every dimension too, but exact. */
const EXTREMES = new Set([2 ** 63, -(2 ** 63)])
const clamped = (value: number): number => (value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER)

type FoldRule = (node: Asked, inputs: readonly Numbers[], shape: Shape) => Numbers

const keep: FoldRule = (_, [x]) => x!

const RULES: Readonly<Record<string, FoldRule>> = {
  Shape: ({ inputs: [x], ...node }) =>
    x!.dims.slice(intOf(node, 'start', 0), intOf(node, 'end', x!.dims.length)),
  Size: ({ inputs: [x] }) => [countOf(x!.dims)],
  Identity: keep,
  Reshape: keep,
  Squeeze: keep,
  Unsqueeze: keep,
  Flatten: keep,
  Cast: (_, [x], { type }) => (type === 'bool' ? x!.map((value) => Number(value !== 0)) : x!),
  Concat: (node, inputs, shape) => {
    const axis = axisOf(intOf(node, 'axis', 0), shape.dims.length, node.where)
    const outer = countOf(shape.dims.slice(0, axis))
    return Array.from({ length: outer }, (_, i) =>
      inputs.flatMap((part) => part.slice((i * part.length) / outer, ((i + 1) * part.length) / outer)),
    ).flat()
  },
  Gather: (node, [data, indices], shape) => {
    const { dims } = node.inputs[0]!
    const axis = axisOf(intOf(node, 'axis', 0), dims.length, node.where)
    const inner = countOf(dims.slice(axis + 1))
    const [size, count] = [dims[axis]!, indices!.length]
    return Array.from({ length: countOf(shape.dims) }, (_, i) => {
      const [outer, index, rest] = [Math.floor(i / (count * inner)), Math.floor(i / inner) % count, i % inner]
      const at = indices![index]!
      return data![(outer * size + (at < 0 ? at + size : at)) * inner + rest] ?? Number.NaN
    })
  },
  Slice: (node, [data], shape) => {
    const taken = takenOf(node)
    const strides = stridesOf(node.inputs[0]!.dims)
    return each(
      shape.dims,
      (at) =>
        data![
          at.reduce((sum, index, i) => sum + (taken[i]!.start + index * taken[i]!.step) * strides[i]!, 0)
        ]!,
    )
  },
  Transpose: (node, [data], shape) => {
    const { dims } = node.inputs[0]!
    const order = intsOf(node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i)
    const strides = stridesOf(dims)
    return each(
      shape.dims,
      (at) => data![at.reduce((sum, index, i) => sum + index * strides[order[i]!]!, 0)]!,
    )
  },
  Range: (_, [start, , delta], shape) =>
    Array.from({ length: shape.dims[0]! }, (_, i) => start![0]! + i * delta![0]!),
  ConstantOfShape: (node, _, shape) => {
    const value = node.attributes.get('value')
    const one = value && 'tensor' in value ? integersOf(value.tensor)[0]! : 0
    return Array.from({ length: countOf(shape.dims) }, () => one)
  },
  Expand: (node, inputs, shape) => broadcast(node, inputs.slice(0, 1), shape, (x) => x!),
  ReduceProd: (node, [x]) =>
    reducedAxes(node).length === node.inputs[0]!.dims.length ? [product(x!)] : [Number.NaN],
  Not: (_, [x]) => x!.map((value) => 1 - value),
  Neg: (_, [x]) => x!.map((value) => -value),
  Abs: (_, [x]) => x!.map(Math.abs),
  Where: (node, inputs, shape) => broadcast(node, inputs, shape, (c, a, b) => (c ? a! : b!)),
  ...Object.fromEntries(
    Object.entries<(a: number, b: number) => number>({
      Add: (a, b) => a + b,
      Sub: (a, b) => a - b,
      Mul: (a, b) => a * b,
      Div: (a, b) => Math.trunc(a / b),
      Min: Math.min,
      Max: Math.max,
      Equal: (a, b) => Number(a === b),
      Less: (a, b) => Number(a < b),
      LessOrEqual: (a, b) => Number(a <= b),
      Greater: (a, b) => Number(a > b),
      GreaterOrEqual: (a, b) => Number(a >= b),
      And: (a, b) => a & b,
      Or: (a, b) => a | b,
    }).map(([op, compute]): [string, FoldRule] => [
      op,
      (node, inputs, shape) =>
        broadcast(node, inputs, shape, (a, b) =>
          b === undefined || a === undefined ? Number.NaN : compute(a, b),
        ),
    ]),
  ),
}

const product = (values: Numbers): number => values.reduce((product, value) => product * value, 1)

function stridesOf(dims: Numbers): number[] {
  return dims.map((_, i) => countOf(dims.slice(i + 1)))
}

/** A number for each place of a shape, in row-major order. */
function each(dims: Numbers, one: (at: Numbers) => number): number[] {
  const strides = stridesOf(dims)
  return Array.from({ length: countOf(dims) }, (_, i) =>
    one(dims.map((dim, k) => Math.floor(i / strides[k]!) % dim)),
  )
}

function broadcast(
  node: Asked,
  inputs: readonly Numbers[],
  shape: Shape,
  compute: (...values: (number | undefined)[]) => number,
): number[] {
  const views = inputs.map((values, i) => {
    const { dims } = node.inputs[i]!
    const missing = shape.dims.length - dims.length
    const strides = stridesOf(dims)
    return (at: Numbers): number | undefined =>
      values[dims.reduce((sum, dim, k) => sum + (dim === 1 ? 0 : at[k + missing]! * strides[k]!), 0)]
  })
  return each(shape.dims, (at) => compute(...views.map((view) => view(at))))
}
