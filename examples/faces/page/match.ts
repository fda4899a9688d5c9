import { type Sotto, type TensorOutput, textsOf } from '@sotto/client'
import type { PageConfig } from '../serve.ts'

/** One face in a frame. */
export interface Match {
  /** '' for somebody who is not known. */
  readonly name: string
  /** How alike, 0 to 1, in hundredths. */
  readonly score: number
  /** Left, top, right, bottom, as parts of the frame. */
  readonly box: readonly [number, number, number, number]
}

/** What one frame gave. */
export interface Answer {
  readonly matches: readonly Match[]
  /** Whether its receipt was verified. */
  readonly hasReceipt: boolean
}

const OUTPUTS = ['name', 'score', 'face', 'box'] as const

/**
 * Sends one frame, encrypted, to exactly the graph that was published: another one might give out more than matches, so
 * its answer would be refused.
 */
export async function askWho(
  sotto: Sotto,
  { id, digest, frame, faces }: Pick<PageConfig, 'id' | 'digest' | 'frame' | 'faces'>,
  pixels: Uint8Array,
  signal: AbortSignal,
): Promise<Answer> {
  const { outputs, receipt } = await sotto.tensors.run(
    id,
    { frame: { data: pixels, shape: [1, frame.height, frame.width, 3] } },
    { version: digest, outputs: OUTPUTS, signal },
  )
  const names = textsOf(outputs['name']!)
  const [score, face, box] = ['score', 'face', 'box'].map((name) => floats(outputs[name]!))
  if (
    names.length !== faces ||
    score!.length !== faces ||
    face!.length !== faces ||
    box!.length !== 4 * faces
  )
    throw new Error('the model answered for another number of faces')
  const matches = names.flatMap((name, i): Match[] =>
    face![i]! > 0
      ? [{ name, score: score![i]!, box: [...box!.subarray(4 * i, 4 * i + 4)] as unknown as Match['box'] }]
      : [],
  )
  return { matches, hasReceipt: receipt !== undefined }
}

function floats({ data }: TensorOutput): Float32Array {
  if (data instanceof Float32Array) return data
  throw new Error('the model answered with something else than numbers')
}
