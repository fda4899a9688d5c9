import type { FinetuneTask, OutputPart, TrainTask } from '@sotto/protocol/contract'
import { GrowingBytes } from '../../ram/growing-bytes.ts'
import type { TrainingFigures, TrainingProgress, TrainingResult } from '../task/index.ts'
import { openState, sealState, type SealedCheckpoint } from '../checkpoint/seal.ts'
import { trainError } from './failure.ts'
import { type Answer, MAX_STATE_BYTES, type Question } from './messages.ts'
import type { TrainProcess } from './process.ts'

/** Bytes of a piece that the process is given. */
const PIECE_BYTES = 1024 * 1024
/** A state has a header, and beside its numbers what early stopping remembers. */
const MAX_CLEAR_BYTES: number = MAX_STATE_BYTES + MAX_STATE_BYTES / 64

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
  readonly task: TrainTask | FinetuneTask
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
  const from = checkpoints?.from && (await openState(secret, checkpoints.from))
  if (from) for (const piece of piecesOf(from.bytes)) child.send(piece)
  from?.bytes.fill(0)
  const asked = from ? { ...question, from: { step: from.step } } : question
  const keeper = checkpoints && new Keeper(child, secret, checkpoints)
  let stands = await child.ask(asked, 'stands')
  while (!stands.ended) {
    onProgress?.(progressOf(stands, task))
    await keeper?.keep(stands.done)
    stands = await child.ask({ ask: 'go-on' }, 'stands')
  }
  const figures = figuresOf(stands, task)
  onProgress?.(progressOf(stands, task))
  const made = new Map<OutputPart, Uint8Array>()
  for (const [part, maxBytes] of parts) made.set(part, await take(child, part, maxBytes))
  return { parts: made, figures }
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

/**
 * Takes a state now and then, and seals it here: what the process gives would else leave the room as it is, and it may have
 * been taken over by what it read.
 */
class Keeper {
  readonly #child: TrainProcess
  readonly #secret: Uint8Array
  readonly #checkpoints: Checkpoints
  #pauseMs: number
  #since: number = performance.now()
  #isBusy = false

  constructor(child: TrainProcess, secret: Uint8Array, checkpoints: Checkpoints) {
    this.#child = child
    this.#secret = secret
    this.#checkpoints = checkpoints
    this.#pauseMs = checkpoints.firstMs
  }

  /** Takes the state at which the training stands, where it is time. @throws `ROOM_TRAIN_CRASHED` for one of another step */
  async keep(done: number): Promise<void> {
    if (this.#isBusy || performance.now() - this.#since < this.#pauseMs) return
    const { bytes, answer } = await takePieces(this.#child, { ask: 'keep' }, 'kept', MAX_CLEAR_BYTES)
    this.#since = performance.now()
    this.#pauseMs *= 2
    const { state } = answer
    if (!state) return
    if (state.step !== done) throw trainError('ROOM_TRAIN_CRASHED')
    this.#isBusy = true
    const free = (): void => {
      this.#isBusy = false
      bytes.fill(0)
    }
    // Keys are derived before the secret may be overwritten.
    sealState(this.#secret, { step: done, bytes })
      .then((sealed) => this.#checkpoints.keep(sealed))
      .then(free, free)
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

type Standing = Answer & { say: 'stands' }

/** What the contract does not show is not shown, and how many steps there are is the contract's, whatever the process says. */
function progressOf({ done, lossMicros }: Standing, task: Wanted['task']): TrainingProgress {
  const of = stepsOf(task)
  const isShown = task.show === 'loss' && lossMicros !== undefined
  return { done: Math.min(done, of), of, ...(isShown && { lossMicros }) }
}

/** Steps, or rounds of trees. */
function stepsOf(task: Wanted['task']): number {
  return task.kind === 'train' && task.recipe.kind === 'gbdt' ? task.recipe.trees : task.descent!.steps
}

/** Figures are signed with the result: more steps than the contract's are none. @throws `ROOM_TRAIN_CRASHED` */
function figuresOf({ done, ended }: Standing, task: Wanted['task']): TrainingFigures {
  if (done > stepsOf(task)) throw trainError('ROOM_TRAIN_CRASHED')
  return { steps: done, ...ended! }
}
