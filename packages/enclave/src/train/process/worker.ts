/**
 * Entry of the process of one training. It is started for one run, answers what the room asks over descriptor 3, and is
 * killed. It reads tables or texts of several parties and runs a model of one; what it says of an error is a code and names of the
 * contract.
 */
import { Socket } from 'node:net'
import { concat } from '@sotto/protocol/bytes'
import type { OutputPart } from '@sotto/protocol/contract'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import { type OnnxModel, parseOnnx } from '@sotto/protocol/onnx'
import { encodeCheckpoint, type TrainingState } from '@sotto/protocol/training'
import { encodeMessage, encodePiece, FrameReader } from '../../room/process/index.ts'
import { readState } from '../checkpoint/seal.ts'
import type { TableSource } from '../data/types.ts'
import { roomTrainError } from '../errors.ts'
import { refusalOf, runTraining, type TrainingResult, tryTraining } from '../task/index.ts'
import { describeFailure } from './failure.ts'
import {
  type Answer,
  MAX_STATE_BYTES,
  type ModelFileMessage,
  type Question,
  type TableMessage,
} from './messages.ts'
import { Pace } from './pace.ts'
import { readFile } from './read-file.ts'
import { type TuningOptions, tuneFiles } from './tuning.ts'

/** The socket that the room gave us. */
const CHANNEL_DESCRIPTOR = 3
/** Bytes of a piece of a part. */
const PIECE_BYTES = 1024 * 1024

process.on('uncaughtException', die)
process.on('unhandledRejection', die)

const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true })
const reader = new FrameReader(() => roomTrainError('ROOM_TRAIN_CRASHED', 'the room sent no frame'))
/** The secret, and pieces of a state behind it. */
let pieces: Uint8Array[] = []
let run: Digest | undefined
let standsAt: (() => TrainingState) | undefined
let pace: Pace<TrainingResult> | undefined
let made: ReadonlyMap<OutputPart, Uint8Array> = new Map()
let turn: Promise<void> = Promise.resolve()

socket.on('close', die)
socket.on('end', die)
socket.on('error', die)
socket.on('data', (chunk: Uint8Array) => {
  for (const frame of reader.push(chunk)) {
    // The room is trusted here: it could do anything to this process anyway.
    if ('bytes' in frame) pieces.push(frame.bytes.slice())
    else turn = turn.then(() => reply(frame.message as Question))
  }
})

async function reply(question: Question): Promise<void> {
  let answer: Answer
  try {
    answer = await answerTo(question)
  } catch (error) {
    answer = { say: 'failed', ...describeFailure(error) }
  }
  await write(encodeMessage(answer))
}

async function answerTo(question: Question): Promise<Answer> {
  switch (question.ask) {
    case 'try':
      await tryTraining(question.task)
      return { say: 'tried' }
    case 'train':
    case 'finetune': {
      const options = await optionsOf(question)
      pace =
        question.ask === 'train'
          ? begin(question, options)
          : new Pace((onProgress) => tuneFiles(question, { ...options, onProgress }))
      return standing(pace)
    }
    case 'go-on':
      return standing(pace!)
    case 'keep':
      return keep()
    case 'give':
      await give(made.get(question.part)!)
      return { say: 'gave' }
  }
}

/** What every training has. @throws `ROOM_TRAIN_CHECKPOINT` */
async function optionsOf({ task, from }: Question & { ask: 'train' | 'finetune' }): Promise<TuningOptions> {
  const [secret, ...state] = pieces
  pieces = []
  run = documentDigest(task)
  if (!from) return { secret: secret! }
  return { secret: secret!, from: await readState(run, { ...from, bytes: concat(...state) }) }
}

/** The state at which the training stands; of one that is larger than a room keeps, or of trees, none. The room seals it. */
async function keep(): Promise<Answer> {
  const state = standsAt?.()
  const numbers =
    state && [...state.parameters, ...state.optimiser].reduce((sum, { length }) => sum + length, 0)
  if (!state || numbers! * Float32Array.BYTES_PER_ELEMENT > MAX_STATE_BYTES) return { say: 'kept' }
  await give(encodeCheckpoint(run!, state))
  return { say: 'kept', state: { step: state.step } }
}

async function give(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    await write(encodePiece(bytes.subarray(at, at + PIECE_BYTES)))
}

function begin(
  { task, tables, graph, parts, threads }: Question & { ask: 'train' },
  options: TuningOptions,
): Pace<TrainingResult> {
  const sources = tables.map((table): [string, TableSource] => [table.name, sourceOf(table)])
  const forward = graph.length > 0 ? readGraph(graph) : undefined
  return new Pace((onProgress) =>
    runTraining({
      task,
      tables: new Map(sources),
      ...(forward && { forward }),
      parts: new Map(parts),
      threads,
      ...options,
      onProgress,
    }),
  )
}

function sourceOf(table: TableMessage): TableSource {
  const { name, media, columns, contributor } = table
  return {
    name,
    media,
    columns,
    ...(contributor !== undefined && { contributor }),
    // Each time anew: what is read of it is kept in another form.
    get bytes() {
      return readFile(table)
    },
  }
}

async function standing(training: Pace<TrainingResult>): Promise<Answer> {
  const { progress, state, result } = await training.next()
  standsAt = state
  if (result === undefined) return { say: 'stands', ...progress }
  made = result.parts
  const { steps, reason, graph } = result.figures
  const ended = { reason, ...(graph !== undefined && { graph }) }
  return { say: 'stands', ...progress, done: steps, of: Math.max(steps, progress.of), ended }
}

/** @throws `ROOM_TRAIN_GRAPH` */
function readGraph(files: readonly ModelFileMessage[]): OnnxModel {
  const [main, ...others] = files.filter(({ role }) => role === 'weights')
  if (!main || others.length > 0)
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model is not one graph, and data beside it')
  const beside = files.filter(({ role }) => role === 'weights-data')
  try {
    return parseOnnx(readFile(main), new Map(beside.map((file) => [file.name, readFile(file)])))
  } catch (cause) {
    throw refusalOf(cause)
  }
}

async function write(bytes: Uint8Array): Promise<void> {
  if (socket.write(bytes)) return
  await new Promise<void>((resolve) => {
    socket.once('drain', () => resolve())
  })
}

/** Without giving a native library a chance to hang as it ends. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
