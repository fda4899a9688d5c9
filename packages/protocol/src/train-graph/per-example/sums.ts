import type { GraphBuilder } from '../builder.ts'
import type { Value } from '../ir.ts'
import { plus, reshaped } from '../math.ts'
import { product } from '../rules/matmul.ts'

/**
 * Examples whose gradients are summed in single precision: its rounding of some hundreds stays far below the slack of the
 * clip. Sums of more are added in double precision.
 */
const AT_ONCE = 512
/** ONNX's numbers of element types. */
const [FLOAT, DOUBLE] = [1, 11]

/**
 * xᵀ·y of matrices whose rows are those of examples, one after the other: the sum over all rows of products.
 *
 * @param examples how many they are of
 */
export function summedProducts(b: GraphBuilder, x: Value, y: Value, examples: number): Value {
  const pieces = piecesOf(examples)
  if (pieces === 1) return product(b, x, y, true)
  const [rows, inner] = x.dims
  const [size, outer] = [rows! / pieces, y.dims[1]!]
  // A column lies in memory as its turned pieces do: nothing is copied.
  const turned = (column: Value, other: Value): Value =>
    b.add('MatMul', [
      reshaped(b, column, [pieces, 1, size]),
      reshaped(b, other, [pieces, size, other.dims[1]!]),
    ])
  if (inner === 1) return reshaped(b, added(b, turned(x, y)), [1, outer])
  if (outer === 1) return reshaped(b, added(b, turned(y, x)), [inner!, 1])
  const [lefts, rights] = [x, y].map((value) => split(b, value, pieces))
  const sums = lefts!.map((left, at) => b.add('Cast', [product(b, left, rights![at]!, true)], { to: DOUBLE }))
  return b.add('Cast', [sums.reduce((one, other) => plus(b, one, other))], { to: FLOAT })
}

/** Sum over the first axis. */
function added(b: GraphBuilder, pieces: Value): Value {
  const exact = b.add('Cast', [pieces], { to: DOUBLE })
  return b.add('Cast', [b.add('ReduceSum', [exact, b.ints([0])], { keepdims: 0 })], { to: FLOAT })
}

function split(b: GraphBuilder, value: Value, pieces: number): readonly Value[] {
  const size = value.dims[0]! / pieces
  return Array.from({ length: pieces }, (_, at) =>
    b.add('Slice', [value, b.ints([at * size]), b.ints([(at + 1) * size]), b.ints([0])]),
  )
}

/** Into how many equal pieces examples divide; 1 where no number of them does that is not far more than needed. */
function piecesOf(examples: number): number {
  const least = Math.ceil(examples / AT_ONCE)
  for (let pieces = least; pieces < 4 * least; pieces++) if (examples % pieces === 0) return pieces
  return 1
}
