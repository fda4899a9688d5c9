import { crypto } from '../crypto-backend/index.ts'
import { toHex } from '../bytes/index.ts'
import type { Digest } from '../keyrelease/index.ts'
import { trainingError } from './errors.ts'
import {
  encodeSafetensors,
  floatsOf,
  parseSafetensors,
  type Safetensor,
  type SafetensorFile,
} from './safetensors.ts'

/** A training between two steps: with the run's secret and inputs, all that the rest of it depends on. */
export interface TrainingState {
  /** Steps that are done, from 0. */
  readonly step: number
  /** Values of the trained parameters, in the graph's order. */
  readonly parameters: readonly Float32Array[]
  /** What the optimiser remembers, in its own order. */
  readonly optimiser: readonly Float32Array[]
  /** What early stopping remembers; without it, none. */
  readonly stop?: {
    /** Lowest figure so far; infinite before the first. */
    readonly best: number
    /** Figures since then. */
    readonly since: number
  }
}

const FORMAT = 'sotto-checkpoint-v1'
const MAX_STEP = 10_000_000

/**
 * Bytes of a state. It is in clear, and tells as much as the model: whoever keeps it gets it sealed.
 * @param run digest of what is trained: a state of one run continues no other
 */
export function encodeCheckpoint(run: Digest, state: TrainingState): Uint8Array {
  const { step, parameters, optimiser, stop } = state
  return encodeSafetensors({
    metadata: new Map([
      ['format', FORMAT],
      ['run', run],
      ['step', String(step)],
    ]),
    tensors: [
      ...parameters.map((values, at) => floats(`parameter.${at}`, values)),
      ...optimiser.map((values, at) => floats(`optimiser.${at}`, values)),
      ...(stop ? [stopTensor(stop)] : []),
    ],
  })
}

/**
 * Reads a state of this run.
 * @throws `TRAINING_CHECKPOINT` for one of another run, and what is no state; `TRAINING_SAFETENSORS`
 */
export function parseCheckpoint(bytes: Uint8Array, run: Digest): TrainingState {
  const file = parseSafetensors(bytes)
  const { metadata } = file
  if (metadata.get('format') !== FORMAT || metadata.size !== 3) throw refused('this is no checkpoint')
  if (metadata.get('run') !== run) throw refused('checkpoint is of another run')
  const step = Number(metadata.get('step'))
  if (!Number.isSafeInteger(step) || step < 0 || step > MAX_STEP || String(step) !== metadata.get('step'))
    throw refused('checkpoint has no step')
  const parameters = numbered(file, 'parameter')
  const optimiser = numbered(file, 'optimiser')
  const stop = file.tensors.find(({ name }) => name === 'stop')
  if (file.tensors.length !== parameters.length + optimiser.length + (stop ? 1 : 0))
    throw refused('checkpoint has tensors of no meaning')
  return { step, parameters, optimiser, ...(stop && { stop: stopOf(stop) }) }
}

/** SHA-256 of a checkpoint in clear: equal states of one run have equal digests. */
export function checkpointDigest(bytes: Uint8Array): Digest {
  return toHex(crypto.sha256(bytes))
}

function numbered({ tensors }: SafetensorFile, kind: string): Float32Array[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const found: Float32Array[] = []
  for (let at = 0; ; at++) {
    const tensor = byName.get(`${kind}.${at}`)
    if (!tensor) return found
    found.push(floatsOf(tensor))
  }
}

function floats(name: string, values: Float32Array): Safetensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return { name, type: 'F32', shape: [values.length], data }
}

function stopTensor({ best, since }: NonNullable<TrainingState['stop']>): Safetensor {
  return { name: 'stop', type: 'F64', shape: [2], data: new Uint8Array(Float64Array.of(best, since).buffer) }
}

function stopOf({ type, data }: Safetensor): NonNullable<TrainingState['stop']> {
  if (type !== 'F64' || data.length !== 16) throw refused('checkpoint has no state of early stopping')
  const [best = NaN, since = NaN] = new Float64Array(data.slice().buffer)
  if (Number.isNaN(best) || !Number.isSafeInteger(since) || since < 0)
    throw refused('checkpoint has no state of early stopping')
  return { best, since }
}

function refused(message: string): Error {
  return trainingError('TRAINING_CHECKPOINT', message)
}
