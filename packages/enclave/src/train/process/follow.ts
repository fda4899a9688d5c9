import type { OutputPart, TrainTask } from '@sotto/protocol/contract'
import { GrowingBytes } from '../../ram/growing-bytes.ts'
import type { TrainingFigures, TrainingProgress, TrainingResult } from '../task/index.ts'
import type { SealedCheckpoint } from '../checkpoint/seal.ts'
import { trainError } from './failure.ts'
import { type Answer, MAX_STATE_BYTES, type Question } from './messages.ts'
import type { TrainProcess } from './process.ts'

/** Bytes of a piece that the process is given. */
const PIECE_BYTES = 1024 * 1024
/** A sealed state is larger than what it is of: by headers, and by a tag for each chunk. */
const MAX_SEALED_BYTES: number = MAX_STATE_BYTES + MAX_STATE_BYTES / 64

/** Sealed states of a training, by which another process goes on. */
export interface Checkpoints {
  /** Where to go on. Default: the beginning. */
  readonly from?: SealedCheckpoint
  /** Milliseconds to the first; to each further one it is twice as long, so that of a long training few are kept. */
  readonly firstMs: number
  /** The training does not wait for it, and the next state comes only once this one is kept. A state that is not kept is no loss. */
  keep(checkpoint: SealedCheckpoint): Promise<void>
}

/** What is wanted of a training, whatever is trained. */
export interface Wanted {
  readonly task: Pick<TrainTask, 'show'>
  /** 32 bytes of this run only. */
  readonly secret: Uint8Array
  readonly checkpoints?: Checkpoints
  /** Bytes of each at most. */
  readonly parts: ReadonlyMap<OutputPart, number>
  readonly onProgress?: (progress: TrainingProgress) => void
}

/** Asks a process for a training, follows it to its end, and takes what it made. @throws codes of training */
export async function follow(
  child: TrainProcess,
  question: Question & { ask: 'train' | 'finetune' },
  { task, secret, parts, checkpoints, onProgress }: Wanted,
): Promise<TrainingResult> {
  child.send(secret)
  const { from } = checkpoints ?? {}
  if (from) for (const piece of piecesOf(from.sealed)) child.send(piece)
  const asked = from ? { ...question, from: { step: from.step, digest: from.digest } } : question
  const keeper = checkpoints && new Keeper(child, checkpoints)
  let stands = await child.ask(asked, 'stands')
  while (!stands.ended) {
    onProgress?.(progressOf(stands, task))
    await keeper?.keep()
    stands = await child.ask({ ask: 'go-on' }, 'stands')
  }
  onProgress?.(progressOf(stands, task))
  const made = new Map<OutputPart, Uint8Array>()
  for (const [part, maxBytes] of parts) made.set(part, await take(child, part, maxBytes))
  return { parts: made, figures: figuresOf(stands) }
}

/** The process bounds what it gives, and is not trusted to. */
async function take(child: TrainProcess, part: OutputPart, maxBytes: number): Promise<Uint8Array> {
  const { bytes } = await takePieces(child, { ask: 'give', part }, 'gave', maxBytes)
  return bytes
}

async function takePieces<Say extends 'gave' | 'kept'>(
  child: TrainProcess,
  question: Question,
  say: Say,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; answer: Answer & { say: Say } }> {
  const bytes = new GrowingBytes(maxBytes, () => {})
  const answer = await child.ask(question, say, (piece) => {
    if (bytes.length + piece.length > maxBytes)
      throw trainError('ROOM_TRAIN_TOO_LARGE', `at most ${maxBytes} bytes`)
    bytes.add(piece)
  })
  return { bytes: bytes.bytes(), answer }
}

/** Takes a sealed state now and then. */
class Keeper {
  readonly #child: TrainProcess
  readonly #checkpoints: Checkpoints
  #pauseMs: number
  #since: number = performance.now()
  #isBusy = false

  constructor(child: TrainProcess, checkpoints: Checkpoints) {
    this.#child = child
    this.#checkpoints = checkpoints
    this.#pauseMs = checkpoints.firstMs
  }

  /** Takes the state at which the training stands, where it is time. */
  async keep(): Promise<void> {
    if (this.#isBusy || performance.now() - this.#since < this.#pauseMs) return
    const { bytes: sealed, answer } = await takePieces(this.#child, { ask: 'keep' }, 'kept', MAX_SEALED_BYTES)
    this.#since = performance.now()
    this.#pauseMs *= 2
    const { state } = answer
    if (!state) return
    this.#isBusy = true
    const free = (): void => {
      this.#isBusy = false
    }
    this.#checkpoints.keep({ ...state, sealed }).then(free, free)
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

type Standing = Answer & { say: 'stands' }

/** What the contract does not show is not shown, whatever the process says. */
function progressOf({ done, of, lossMicros }: Standing, { show }: Wanted['task']): TrainingProgress {
  return { done, of, ...(show === 'loss' && lossMicros !== undefined && { lossMicros }) }
}

function figuresOf({ done, ended }: Standing): TrainingFigures {
  return { steps: done, ...ended! }
}
