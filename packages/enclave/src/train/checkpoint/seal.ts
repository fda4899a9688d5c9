import { createHash } from 'node:crypto'
import { concat } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import type { Digest } from '@sotto/protocol/keyrelease'
import { openArtifact, sealArtifact } from '@sotto/protocol/sealed'
import { encodeCheckpoint, parseCheckpoint, type TrainingState } from '@sotto/protocol/training'
import { createGiveWay } from '../../pause/index.ts'
import { roomTrainError } from '../errors.ts'
import { deriveKey } from '../random/streams.ts'

/** A state that only a room with the run's secret reads: whoever keeps it learns its size, and which step it is of. */
export interface SealedCheckpoint {
  readonly step: number
  /** SHA-256 of a key of the run and the state in clear: nobody finds out by it whether a guess of the state is right. */
  readonly digest: Digest
  readonly sealed: Uint8Array
}

/** A state in clear, as `encodeCheckpoint` writes it. It tells as much as the model. */
export interface ClearCheckpoint {
  readonly step: number
  readonly bytes: Uint8Array
}

const MEDIA_TYPE = 'application/vnd.sotto.checkpoint'
/** What is hashed before others have their turn. */
const PIECE_BYTES = 1024 * 1024

/**
 * Seals a state, under a key of this step. Keys are derived before it first waits; others have their turns meanwhile.
 * @param secret of the run, 32 bytes
 */
export async function sealState(
  secret: Uint8Array,
  { step, bytes }: ClearCheckpoint,
): Promise<SealedCheckpoint> {
  const giveWay = createGiveWay()
  const { sealed } = sealArtifact({
    contentKey: keyOf(secret, step),
    plaintextBytes: bytes.length,
    metadata: MEDIA_TYPE,
    source: [bytes],
  })
  const digest = await digestOf(secret, bytes)
  const pieces: Uint8Array[] = []
  for await (const piece of sealed) {
    pieces.push(piece)
    await giveWay()
  }
  return { step, digest, sealed: concat(...pieces) }
}

/**
 * Opens a state that was sealed under this secret. Whoever kept it may give an older one, which comes to the same end: each
 * step follows from the state before it and the secret.
 * @param sealed with the step of which it is said to be
 * @throws `ROOM_TRAIN_CHECKPOINT`
 */
export async function openState(
  secret: Uint8Array,
  { step, digest, sealed }: SealedCheckpoint,
): Promise<ClearCheckpoint> {
  const bytes = await refusing(async () => {
    const giveWay = createGiveWay()
    const read = (start: number, length: number): Promise<Uint8Array> =>
      Promise.resolve(sealed.subarray(start, start + length))
    const pieces: Uint8Array[] = []
    const { content } = await openArtifact(read, keyOf(secret, step))
    for await (const piece of content) {
      pieces.push(piece)
      await giveWay()
    }
    return concat(...pieces)
  })
  if ((await digestOf(secret, bytes)) === digest) return { step, bytes }
  throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'this is another state than was named')
}

/**
 * Reads a state that was opened.
 * @param run digest of what is trained
 * @throws `ROOM_TRAIN_CHECKPOINT` also where it is of another step than it is said to be
 */
export async function readState(run: Digest, { step, bytes }: ClearCheckpoint): Promise<TrainingState> {
  const state = await refusing(() => Promise.resolve(parseCheckpoint(bytes, run)))
  if (state.step === step) return state
  throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'the checkpoint is of another step')
}

/** Encodes a state, and seals it: see {@link sealState}. @param run digest of what is trained */
export function sealCheckpoint(
  secret: Uint8Array,
  run: Digest,
  state: TrainingState,
): Promise<SealedCheckpoint> {
  return sealState(secret, { step: state.step, bytes: encodeCheckpoint(run, state) })
}

/** Opens a state of this run, and reads it. @throws `ROOM_TRAIN_CHECKPOINT` */
export async function openCheckpoint(
  secret: Uint8Array,
  run: Digest,
  sealed: SealedCheckpoint,
): Promise<TrainingState> {
  return readState(run, await openState(secret, sealed))
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // Of what was sealed here, nothing but a wrong file or key is wrong.
    if (!(cause instanceof SottoError)) throw cause
    throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'this is no checkpoint of the run', { cause })
  }
}

async function digestOf(secret: Uint8Array, bytes: Uint8Array): Promise<Digest> {
  const giveWay = createGiveWay()
  const hash = createHash('sha256').update(deriveKey(secret, 'checkpoint digest'))
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    hash.update(bytes.subarray(at, at + PIECE_BYTES))
    await giveWay()
  }
  return hash.digest('hex')
}

function keyOf(secret: Uint8Array, step: number): Uint8Array {
  return deriveKey(secret, `checkpoint ${step}`)
}
