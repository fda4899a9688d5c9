import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { FrameSize } from './detect.ts'

/** How faces are cut out. */
export interface CropOptions {
  readonly faces: number
  /** Pixels of a side of what is cut out. */
  readonly side: number
  /** Side of the square around a box, in parts of the box's longer side. */
  readonly margin: number
}

/**
 * Cuts the square around each box [n,4] out of an image [1,c,h,w] and scales it: [n,c,side,side]. Every row and column
 * is a weighted mean of those of the image, as wide as it must be (a tent filter), so it is two products of matrices.
 * RoiAlign would do the same, and came too late for the operator set of some detectors. Outside of the image its edge
 * goes on.
 */
export function crop(
  graph: GraphBuilder,
  image: string,
  box: string,
  { height, width }: FrameSize,
  { faces, side, margin }: CropOptions,
): string {
  const at = (index: number, size: number): string =>
    graph.op('Mul', [graph.op('Gather', [box, graph.integers([index])], { axis: 1 }), graph.scalar(size)])
  const [left, top, right, bottom] = [at(0, width), at(1, height), at(2, width), at(3, height)]
  const longer = graph.op('Max', [graph.op('Sub', [right, left]), graph.op('Sub', [bottom, top])])
  const length = graph.op('Mul', [graph.op('Max', [longer, graph.scalar(1)]), graph.scalar(margin)])
  const middle = (from: string, to: string): string =>
    graph.op('Mul', [graph.op('Add', [from, to]), graph.scalar(0.5)])
  const tent = { faces, side, length }
  const rows = weights(graph, middle(top, bottom), height, tent)
  const columns = weights(graph, middle(left, right), width, tent)
  const flipped = graph.op('Transpose', [columns], { perm: [0, 2, 1] })
  const tall = graph.op('MatMul', [graph.reshape(rows, [faces, 1, side, height]), image])
  return graph.op('MatMul', [tall, graph.reshape(flipped, [faces, 1, width, side])])
}

/** [n, side, size]: how much each of `size` pixels counts in each of `side` samples around `centre` [n,1]. */
function weights(
  graph: GraphBuilder,
  centre: string,
  size: number,
  { faces, side, length }: { faces: number; side: number; length: string },
): string {
  const grid = graph.floats(
    Array.from({ length: side }, (_, i) => (i + 0.5) / side - 0.5),
    [1, side],
  )
  const spread = graph.op('Add', [graph.op('Mul', [length, grid]), centre])
  // Pixel i covers i to i + 1, so its middle is i + 0.5.
  const middle = graph.op('Sub', [spread, graph.scalar(0.5)])
  const inside = graph.op('Min', [graph.op('Max', [middle, graph.scalar(0)]), graph.scalar(size - 1)])
  const pixels = graph.floats(
    Array.from({ length: size }, (_, i) => i),
    [1, 1, size],
  )
  const distance = graph.op('Abs', [graph.op('Sub', [graph.reshape(inside, [faces, side, 1]), pixels])])
  const step = graph.op('Max', [graph.op('Mul', [length, graph.scalar(1 / side)]), graph.scalar(1)])
  const near = graph.op('Div', [distance, graph.reshape(step, [faces, 1, 1])])
  const tent = graph.op('Relu', [graph.op('Sub', [graph.scalar(1), near])])
  const ones = graph.floats(new Float32Array(size).fill(1), [size, 1])
  return graph.op('Div', [tent, graph.op('Max', [graph.op('MatMul', [tent, ones]), graph.scalar(1e-6)])])
}
