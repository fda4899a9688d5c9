import { GraphBuilder } from '../onnx/graph-builder.ts'
import type { Network } from '../onnx/network.ts'
import { FLOAT, INT64, STRING, UINT8 } from '../onnx/values.ts'
import { crop } from './crop.ts'
import type { Description } from './describe.ts'
import { detect, frameSizeOf, MAX_FACES, type FrameSize } from './detect.ts'

/** Certainty from which something counts as a face. */
export const MIN_FACE = 0.7

/** What both graphs are made of; the networks are of one operator set. */
export interface FaceNetworks {
  readonly opset: number
  readonly detector: Network
  readonly description: Description
}

/** One picture of somebody, described. */
export interface Enrolled {
  readonly name: string
  readonly embedding: Float32Array
}

/** Faces in one frame at most. */
export function facesAtOnce({ faces }: Description): number {
  return Math.min(faces ?? MAX_FACES, MAX_FACES)
}

/** Size of the frames that a graph takes: `frame`, UINT8 [1, height, width, 3], red first. */
export function frameSize({ detector }: FaceNetworks): FrameSize {
  const { height, width } = frameSizeOf(detector)
  return { height, width }
}

/** For the owner's machine alone: the faces of a picture, described. Outputs `face` [n] and `embedding` [n, d]. */
export function enrolmentGraph(networks: FaceNetworks): Uint8Array {
  const graph = new GraphBuilder()
  const { face, embedding, faces } = describeFaces(graph, networks)
  graph.output('face', FLOAT, [faces], face)
  graph.output('embedding', FLOAT, [faces, networks.description.length], embedding)
  return graph.file(networks.opset)
}

/**
 * For the enclave: who is in the frame. All it gives out, for up to n faces:
 *
 * - `person` INT64 [n]: place of the name among the names, or -1; `name` BYTES [n], '' for nobody
 * - `score` FP32 [n]: how alike, in hundredths, and 0 for nobody. A stranger's frame must not tell how near it was to
 *   whom: with exact scores of every frame one could find out step by step what the enrolled people look like
 * - `face` FP32 [n], `box` FP32 [n,4]: where the faces are, for drawing; 0 where there is none
 *
 * @throws Error without anybody enrolled
 */
export function matchGraph(networks: FaceNetworks, enrolled: readonly Enrolled[]): Uint8Array {
  if (enrolled.length === 0) throw new Error('nobody is enrolled')
  const { description, opset } = networks
  const graph = new GraphBuilder()
  const { face, box, found, embedding, faces } = describeFaces(graph, networks)
  const names = [...new Set(enrolled.map(({ name }) => name))]
  const nobody = enrolled.length
  const cosines = graph.op('MatMul', [embedding, galleryOf(graph, enrolled, description.length)])
  const nearest = graph.op('ArgMax', [cosines], { axis: 1, keepdims: 0 })
  const likeness = graph.op('ReduceMax', [cosines], { axes: [1], keepdims: 0 })
  const isAlike = graph.op('Greater', [likeness, graph.scalar(description.minSimilarity)])
  const isKnown = graph.op('And', [isAlike, found])
  const row = graph.op('Where', [isKnown, nearest, graph.integers([nobody])])
  const person = graph.integers([...enrolled.map(({ name }) => names.indexOf(name)), -1])
  const label = graph.texts([...enrolled.map(({ name }) => name), ''])
  const hundredths = graph.op('Floor', [
    graph.op('Add', [graph.op('Mul', [likeness, graph.scalar(100)]), graph.scalar(0.5)]),
  ])
  const score = graph.op('Mul', [
    graph.op('Mul', [hundredths, graph.scalar(0.01)]),
    graph.op('Cast', [isKnown], { to: FLOAT }),
  ])
  const isThere = graph.op('Cast', [found], { to: FLOAT })
  graph.output('person', INT64, [faces], graph.op('Gather', [person, row], { axis: 0 }))
  graph.output('name', STRING, [faces], graph.op('Gather', [label, row], { axis: 0 }))
  graph.output('score', FLOAT, [faces], score)
  graph.output('face', FLOAT, [faces], graph.op('Mul', [face, isThere]))
  graph.output('box', FLOAT, [faces, 4], graph.op('Mul', [box, graph.reshape(isThere, [faces, 1])]))
  return graph.file(opset)
}

function describeFaces(
  graph: GraphBuilder,
  { detector, description }: FaceNetworks,
): { face: string; box: string; found: string; embedding: string; faces: number } {
  const { height, width } = frameSizeOf(detector)
  const { side, colours, margin } = description
  const faces = facesAtOnce(description)
  const frame = graph.input('frame', UINT8, [1, height, width, 3])
  const pixels = graph.op('Cast', [frame], { to: FLOAT })
  const detected = detect(graph, detector, pixels, { faces, minFace: MIN_FACE })
  // ITU-R BT.601: how bright each colour looks.
  const grey = (): string =>
    graph.reshape(graph.op('MatMul', [pixels, graph.floats([0.299, 0.587, 0.114], [3, 1])]), [
      1,
      1,
      height,
      width,
    ])
  const image = colours === 1 ? grey() : graph.op('Transpose', [pixels], { perm: [0, 3, 1, 2] })
  const faceImages = crop(graph, image, detected.box, { height, width }, { faces, side, margin })
  return { ...detected, faces, embedding: description.build(graph, faces, faceImages) }
}

/** [d, rows]: one column for each picture. */
function galleryOf(graph: GraphBuilder, enrolled: readonly Enrolled[], length: number): string {
  const columns = new Float32Array(length * enrolled.length)
  for (const [row, { name, embedding }] of enrolled.entries()) {
    if (embedding.length !== length) throw new Error(`the description of ${name} has another length`)
    for (let i = 0; i < length; i++) columns[i * enrolled.length + row] = embedding[i]!
  }
  return graph.floats(columns, [length, enrolled.length])
}
