import { axisOf, intOf } from '../attributes.ts'
import { constantInts } from '../rules/rule.ts'
import { sliceOf } from '../rules/slices.ts'
import { orderOf } from '../shapes/reshape.ts'
import { afterReshape, agreeing, type AxisAsked, type AxisRule, type BatchAxis } from './axis.ts'

/** Along one axis of the first input, which must not be that of the examples. */
const along =
  (axis: (asked: AxisAsked) => number | undefined): AxisRule =>
  (asked) => {
    const found = agreeing(asked)
    const at = axis(asked)
    if (found === undefined || at === undefined) return undefined
    const { dims } = asked.node.inputs[0]!
    return axisOf(at, dims.length, asked.node.where) === found.axis ? undefined : found
  }

const attribute =
  (fallback: number) =>
  ({ node }: AxisAsked): number =>
    intOf(node, 'axis', fallback)

const reshape: AxisRule = ({ node, axes, batch }) =>
  axes[0] && afterReshape(node.inputs[0]!, node.outputs[0]!, axes[0], batch)

const transpose: AxisRule = ({ node, axes: [x] }) =>
  x && { axis: orderOf(node, node.inputs[0]!.dims.length).indexOf(x.axis), inner: x.inner }

/** Rows and stacks may hold examples; what is summed over must not, and the two factors agree on the stack. */
const matmul: AxisRule = (asked) => {
  const [x, y] = asked.axes
  const [a, b] = asked.node.inputs
  const isSummed = x?.axis === a!.dims.length - 1 || y?.axis === b!.dims.length - 2
  const isStack = x === undefined || y === undefined || x.axis < a!.dims.length - 2
  return isSummed || !isStack ? undefined : agreeing(asked)
}

const gemm: AxisRule = (asked) => {
  const [x, y] = asked.axes
  const isRow = x?.axis === 0 && intOf(asked.node, 'transA', 0) === 0
  return isRow && y === undefined ? agreeing(asked) : undefined
}

/** Each entry of axis 0 by itself; weights are of no example. */
const images: AxisRule = ({ axes: [x, ...rest] }) =>
  x?.axis === 0 && rest.every((axis) => axis === undefined) ? x : undefined

const layer: AxisRule = ({ node, axes: [x, ...rest] }) => {
  const { length } = node.inputs[0]!.dims
  const isOutside = x !== undefined && x.axis < axisOf(intOf(node, 'axis', -1), length, node.where)
  return isOutside && rest.every((axis) => axis === undefined) ? x : undefined
}

const reduce: AxisRule = ({ b, node, axes: [x] }) => {
  const { length } = node.inputs[0]!.dims
  const given =
    node.op === 'ArgMax' || node.op === 'ArgMin' ? [intOf(node, 'axis', 0)] : constantInts(b, node.inputs[1])
  if (x === undefined || given === undefined) return undefined
  const axes = given.map((axis) => axisOf(axis, length, node.where))
  if (axes.includes(x.axis) || axes.length === 0) return undefined
  const before = intOf(node, 'keepdims', 1) === 1 ? 0 : axes.filter((axis) => axis < x.axis).length
  return { axis: x.axis - before, inner: x.inner }
}

const slice: AxisRule = ({ b, node, axes: [x] }) => {
  if (x === undefined) return undefined
  const { start, step, count } = sliceOf(b, node)[x.axis]!
  return start === 0 && step === 1 && count === node.inputs[0]!.dims[x.axis] ? x : undefined
}

const pad: AxisRule = ({ b, node, axes: [x] }) => {
  const pads = constantInts(b, node.inputs[1])
  const isWhole = x && pads?.[x.axis] === 0 && pads[x.axis + node.inputs[0]!.dims.length] === 0
  return isWhole ? x : undefined
}

/** Rows of a table by an example's indices, or places of an example by fixed ones. */
const gather: AxisRule = ({ node, axes: [x, at] }): BatchAxis | undefined => {
  const [data, indices] = node.inputs
  const axis = axisOf(intOf(node, 'axis', 0), data!.dims.length, node.where)
  if (x === undefined) return at && { axis: axis + at.axis, inner: at.inner }
  if (at !== undefined || axis === x.axis) return undefined
  return { axis: x.axis < axis ? x.axis : x.axis + indices!.dims.length - 1, inner: x.inner }
}

const gatherElements: AxisRule = (asked) => {
  const [x] = asked.axes
  const axis = axisOf(intOf(asked.node, 'axis', 0), asked.node.inputs[0]!.dims.length, asked.node.where)
  return x && axis !== x.axis ? agreeing(asked) : undefined
}

const cumulate: AxisRule = along(({ b, node }) => constantInts(b, node.inputs[1])?.[0])

const ELEMENTWISE =
  'Relu Sigmoid Tanh Exp Log Sqrt Abs Neg Reciprocal Erf Softplus Identity Sign Cos Sin Ceil Floor Round LeakyRelu Elu Clip Not Softsign Add Sub Mul Div Pow Min Max Mod And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual IsNaN IsInf Cast Where Expand'

/** How examples go through each operator. An operator that is not here is taken to mix them. */
export const AXIS_RULES: ReadonlyMap<string, AxisRule> = new Map<string, AxisRule>([
  ...ELEMENTWISE.split(' ').map((op) => [op, agreeing] as const),
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((op) => [op, reshape] as const),
  ...['Conv', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'InstanceNormalization'].map(
    (op) => [op, images] as const,
  ),
  ...[
    'ReduceSum',
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceProd',
    'ReduceSumSquare',
    'ReduceL2',
    'ArgMax',
    'ArgMin',
  ].map((op) => [op, reduce] as const),
  ['Transpose', transpose],
  ['MatMul', matmul],
  ['Gemm', gemm],
  ['LayerNormalization', layer],
  ['Softmax', along(attribute(-1))],
  ['LogSoftmax', along(attribute(-1))],
  ['Concat', along(attribute(0))],
  ['Split', along(attribute(0))],
  ['CumSum', cumulate],
  ['Slice', slice],
  ['Pad', pad],
  ['Gather', gather],
  ['GatherElements', gatherElements],
])
