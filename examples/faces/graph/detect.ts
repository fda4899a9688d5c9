import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { Network } from '../onnx/network.ts'

/** Faces that the graph looks at in one frame, the most certain first. */
export const MAX_FACES = 4
/** Overlap (intersection over union) from which two boxes are of one face. */
const SAME_FACE = 0.3

/** Height and width of the frames a detector takes. */
export interface FrameSize {
  readonly height: number
  readonly width: number
}

/** Names of values in the graph. */
export interface Detected {
  /** [n] certainty. */
  readonly face: string
  /** [n, 4] left, top, right, bottom as parts of the frame. */
  readonly box: string
  /** [n] truth values: whether there is a face at all. */
  readonly found: string
}

/**
 * Sizes of the frames that this detector takes.
 * @throws Error for a network that is no detector of UltraFace's kind: [1,3,h,w] to scores [1,n,2] and boxes [1,n,4]
 */
export function frameSizeOf(detector: Network): FrameSize & { candidates: number } {
  const [input, ...more] = detector.inputs.map(({ shape }) => shape)
  const [scores, boxes] = detector.outputs.map(({ shape }) => shape)
  const isImage = more.length === 0 && input?.length === 4 && input[0] === 1 && input[1] === 3
  const [height, width, candidates] = [input?.[2], input?.[3], scores?.[1]]
  const isDetector = scores?.[2] === 2 && boxes?.[2] === 4 && boxes[1] === candidates
  if (!isImage || !isDetector || height === undefined || width === undefined || candidates === undefined)
    throw new Error(
      'it is no detector of the kind of UltraFace: [1,3,h,w] to scores [1,n,2] and boxes [1,n,4]',
    )
  return { height, width, candidates }
}

/** From pixels [1,h,w,3] of 0 to 255 to the faces among the detector's candidates, each once. */
export function detect(
  graph: GraphBuilder,
  detector: Network,
  pixels: string,
  { faces, minFace }: { faces: number; minFace: number },
): Detected {
  const { candidates } = frameSizeOf(detector)
  // As its authors prepare pictures: (x - 127) / 128, colours first.
  const scaled = graph.op('Div', [graph.op('Sub', [pixels, graph.scalar(127)]), graph.scalar(128)])
  const [scores, boxes] = graph.network(detector, graph.op('Transpose', [scaled], { perm: [0, 3, 1, 2] }))
  let certainty = graph.reshape(graph.op('Gather', [scores!, graph.integers([1])], { axis: 2 }), [candidates])
  const all = clip(graph, graph.reshape(boxes!, [candidates, 4]))
  const side = (of: string, at: number): string =>
    graph.reshape(graph.op('Gather', [of, graph.integers([at])], { axis: 1 }), [-1])
  const sides = [0, 1, 2, 3].map((at) => side(all, at))
  const area = areaOf(graph, sides)
  const chosen: { face: string; box: string }[] = []
  for (let i = 0; i < faces; i++) {
    const best = graph.op('ArgMax', [certainty], { axis: 0, keepdims: 1 })
    const box = graph.op('Gather', [all, best], { axis: 0 })
    chosen.push({ face: graph.op('Gather', [certainty, best], { axis: 0 }), box })
    if (i === faces - 1) break
    // What overlaps with it is the same face: its certainty becomes 0.
    const own = [0, 1, 2, 3].map((at) => side(box, at))
    const shared = areaOf(graph, [
      graph.op('Max', [sides[0]!, own[0]!]),
      graph.op('Max', [sides[1]!, own[1]!]),
      graph.op('Min', [sides[2]!, own[2]!]),
      graph.op('Min', [sides[3]!, own[3]!]),
    ])
    const both = graph.op('Sub', [graph.op('Add', [area, areaOf(graph, own)]), shared])
    const overlap = graph.op('Div', [shared, graph.op('Max', [both, graph.scalar(1e-9)])])
    const isOther = graph.op('Cast', [graph.op('Less', [overlap, graph.scalar(SAME_FACE)])], { to: 1 })
    certainty = graph.op('Mul', [certainty, isOther])
  }
  const face = graph.op(
    'Concat',
    chosen.map((one) => one.face),
    { axis: 0 },
  )
  return {
    face,
    box: graph.op(
      'Concat',
      chosen.map((one) => one.box),
      { axis: 0 },
    ),
    found: graph.op('Greater', [face, graph.scalar(minFace)]),
  }
}

function clip(graph: GraphBuilder, boxes: string): string {
  return graph.op('Min', [graph.op('Max', [boxes, graph.scalar(0)]), graph.scalar(1)])
}

function areaOf(graph: GraphBuilder, [left, top, right, bottom]: string[]): string {
  const length = (from: string, to: string): string => graph.op('Relu', [graph.op('Sub', [to, from])])
  return graph.op('Mul', [length(left!, right!), length(top!, bottom!)])
}
