import { readFileSync, statSync } from 'node:fs'
import type { FaceNetworks } from '../graph/build.ts'
import { type Description, gradientDescription, networkDescription } from '../graph/describe.ts'
import { frameSizeOf } from '../graph/detect.ts'
import { type Network, readNetwork } from '../onnx/network.ts'
import { raiseOpset } from '../onnx/raise-opset.ts'

/** Which networks, by their files. */
export interface NetworkFiles {
  /** UltraFace, or one with the same inputs and outputs. */
  readonly detector: string
  /** A network that describes faces. Default: the description without learned weights. */
  readonly embedding?: string | undefined
  /** The most alike that two people may be. Default {@link GRADIENT_SIMILARITY}, and {@link NETWORK_SIMILARITY}. */
  readonly minSimilarity?: number | undefined
  /** Side of what is cut out, in parts of the longer side of the box. Default 1. */
  readonly margin?: number | undefined
}

/** See README.md for how it was measured. */
export const GRADIENT_SIMILARITY = 0.87
/** What authors of ArcFace-like networks propose; measure it on your own pictures. */
export const NETWORK_SIMILARITY = 0.4
const MAX_FILE_BYTES = 512 * 1024 * 1024

/** Reads the networks and brings them to one operator set. @throws Error that names the file */
export function readNetworks(files: NetworkFiles): FaceNetworks {
  const detector = about(files.detector, () => {
    const network = readNetwork(readFile(files.detector), 'detector/')
    frameSizeOf(network)
    return raiseOpset(network, network.opset)
  })
  const { embedding } = files
  if (embedding === undefined)
    return {
      opset: detector.opset,
      detector,
      description: gradientDescription(files.minSimilarity ?? GRADIENT_SIMILARITY),
    }
  const network = about(embedding, () => readNetwork(readFile(embedding), 'embedding/'))
  const opset = Math.max(detector.opset, network.opset)
  // The newer one first: if it is too new, it is the one to say so.
  const description = about(embedding, () => describing(raiseOpset(network, opset), files))
  return { opset, detector: about(files.detector, () => raiseOpset(detector, opset)), description }
}

function describing(network: Network, { minSimilarity, margin }: NetworkFiles): Description {
  return networkDescription(network, minSimilarity ?? NETWORK_SIMILARITY, margin ?? 1)
}

function readFile(path: string): Uint8Array {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error('it is larger than 512 MiB')
  return readFileSync(path)
}

function about<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause })
  }
}
