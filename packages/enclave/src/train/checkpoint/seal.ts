import { concat } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import type { Digest } from '@sotto/protocol/keyrelease'
import { openArtifact, sealArtifact } from '@sotto/protocol/sealed'
import {
  checkpointDigest,
  encodeCheckpoint,
  parseCheckpoint,
  type TrainingState,
} from '@sotto/protocol/training'
import { roomTrainError } from '../errors.ts'
import { deriveKey } from '../random/streams.ts'

/** A state that only a room with the run's secret reads: whoever keeps it learns its size, and which step it is of. */
export interface SealedCheckpoint {
  readonly step: number
  /** SHA-256 of the state in clear. */
  readonly digest: Digest
  readonly sealed: Uint8Array
}

const MEDIA_TYPE = 'application/vnd.sotto.checkpoint'

/**
 * Seals a state, under a key of this step.
 * @param secret of the run, 32 bytes
 * @param run digest of what is trained
 */
export async function sealCheckpoint(
  secret: Uint8Array,
  run: Digest,
  state: TrainingState,
): Promise<SealedCheckpoint> {
  const bytes = encodeCheckpoint(run, state)
  const { sealed } = sealArtifact({
    contentKey: keyOf(secret, state.step),
    plaintextBytes: bytes.length,
    metadata: MEDIA_TYPE,
    source: [bytes],
  })
  const pieces: Uint8Array[] = []
  for await (const piece of sealed) pieces.push(piece)
  return { step: state.step, digest: checkpointDigest(bytes), sealed: concat(...pieces) }
}

/**
 * Opens a state of this run. Whoever kept it may give an older one, which comes to the same end: each step follows from the
 * state before it and the secret.
 * @param step of which it is said to be
 * @throws `ROOM_TRAIN_CHECKPOINT`
 */
export async function openCheckpoint(
  secret: Uint8Array,
  run: Digest,
  { step, digest, sealed }: SealedCheckpoint,
): Promise<TrainingState> {
  try {
    const read = (start: number, length: number): Promise<Uint8Array> =>
      Promise.resolve(sealed.subarray(start, start + length))
    const pieces: Uint8Array[] = []
    const { content } = await openArtifact(read, keyOf(secret, step))
    for await (const piece of content) pieces.push(piece)
    const bytes = concat(...pieces)
    const state = parseCheckpoint(bytes, run)
    if (state.step === step && checkpointDigest(bytes) === digest) return state
  } catch (cause) {
    // Of what was sealed here, nothing but a wrong file or key is wrong.
    if (!(cause instanceof SottoError)) throw cause
    throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'this is no checkpoint of the run', { cause })
  }
  throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'the checkpoint is of another step')
}

function keyOf(secret: Uint8Array, step: number): Uint8Array {
  return deriveKey(secret, `checkpoint ${step}`)
}
