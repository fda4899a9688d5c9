import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { Network } from '../onnx/network.ts'

/** Side of the faces that the built-in description looks at, in pixels. */
const SIDE = 64
const DIRECTIONS = 8
const CELL = 16
const STEP = 8
const CELLS = (SIDE - CELL) / STEP + 1

/** How faces are described: by numbers of which those of one person are alike. */
export interface Description {
  /** Pixels of a side of the face it takes. */
  readonly side: number
  /** Whether it takes [n,3,side,side] or the grey [n,1,side,side]. */
  readonly colours: 1 | 3
  /** See `CropOptions`. */
  readonly margin: number
  /** Numbers of one description. */
  readonly length: number
  /** Faces at once, where the network takes so many and no other number. */
  readonly faces?: number
  /** The most alike that pictures of two people may be. */
  readonly minSimilarity: number
  /** From faces of 0 to 255 to [n, length], each of length 1. */
  build(graph: GraphBuilder, faces: number, crop: string): string
}

/**
 * The built-in description: histograms of edge directions in overlapping cells (Dalal and Triggs, CVPR 2005), without
 * anything learned. It holds for one camera, one light and people who look into it; README.md says how well.
 */
export function gradientDescription(minSimilarity: number): Description {
  return {
    side: SIDE,
    colours: 1,
    margin: 1,
    length: DIRECTIONS * CELLS * CELLS,
    minSimilarity,
    build(graph, faces, crop) {
      const edges = graph.op('Relu', [
        graph.op('Conv', [crop, graph.floats(edgeFilters(), [DIRECTIONS, 1, 5, 5])], { pads: [2, 2, 2, 2] }),
      ])
      const cells = graph.op('AveragePool', [edges], {
        kernel_shape: [CELL, CELL],
        strides: [STEP, STEP],
      })
      // Each cell by itself, so that light from one side changes little; a cell without edges stays near nothing.
      const square = graph.op('ReduceMean', [graph.op('Mul', [cells, cells])], { axes: [1], keepdims: 1 })
      const strength = graph.op('Sqrt', [graph.op('Add', [square, graph.scalar(4)])])
      const relative = graph.op('Sqrt', [graph.op('Div', [cells, strength])])
      // What all directions share says nothing about a face.
      const mean = graph.op('ReduceMean', [relative], { axes: [1], keepdims: 1 })
      const centred = graph.op('Sub', [relative, mean])
      return unitLength(graph, graph.reshape(centred, [faces, DIRECTIONS * CELLS * CELLS]))
    },
  }
}

/**
 * A network of yours: [n,3,s,s] of (x - 127.5) / 127.5, red first, to [n,d], as ArcFace and its like take faces.
 * @throws Error for a network of another shape
 */
export function networkDescription(network: Network, minSimilarity: number, margin: number): Description {
  const [input, ...more] = network.inputs.map(({ shape }) => shape)
  const output = network.outputs[0]?.shape
  const [faces, colours, side, width] = input ?? []
  const length = output?.[1]
  if (more.length > 0 || input?.length !== 4 || colours !== 3 || side === undefined || side !== width)
    throw new Error('it takes no faces: [n,3,s,s] expected')
  if (network.outputs.length !== 1 || output?.length !== 2 || length === undefined)
    throw new Error('it does not describe faces: one output [n,d] expected')
  return {
    side,
    colours,
    margin,
    length,
    ...(faces !== undefined && faces > 0 && { faces }),
    minSimilarity,
    build(graph, count, crop) {
      const half = graph.scalar(127.5)
      const scaled = graph.op('Div', [graph.op('Sub', [crop, half]), half])
      return unitLength(graph, graph.reshape(graph.network(network, scaled)[0]!, [count, length]))
    },
  }
}

function unitLength(graph: GraphBuilder, value: string): string {
  const length = graph.op('ReduceL2', [value], { axes: [1], keepdims: 1 })
  return graph.op('Div', [value, graph.op('Max', [length, graph.scalar(1e-9)])])
}

/** Derivatives of a Gaussian in {@link DIRECTIONS} directions, [n,1,5,5]: what each answers to is an edge across it. */
function edgeFilters(): Float32Array {
  const filters = new Float32Array(DIRECTIONS * 25)
  for (let i = 0; i < filters.length; i++) {
    const angle = (2 * Math.PI * Math.floor(i / 25)) / DIRECTIONS
    const [y, x] = [Math.floor((i % 25) / 5) - 2, (i % 5) - 2]
    filters[i] = ((x * Math.cos(angle) + y * Math.sin(angle)) * Math.exp(-(x * x + y * y) / 2)) / 6
  }
  return filters
}
