import { type Dialect, RoomProcess, type RoomProcessOptions } from '../../room/process/index.ts'
import { decodeFailure, errorOf, type Places, trainError } from './failure.ts'
import type { Answer, Question } from './messages.ts'

/** The process of one training, and of nothing else after it. */
export class TrainProcess extends RoomProcess<Question, Answer> {
  /** @param places what its failures may name */
  constructor(options: RoomProcessOptions, places: Places) {
    super(options, dialectOf(places))
  }
}

/** How a process ends that V8 or the runtime ends for want of memory. */
const ABORTED = 'SIGABRT'
const DIGEST = /^[0-9a-f]{64}$/

function dialectOf(places: Places): Dialect<Answer> {
  return {
    decode: decodeAnswer,
    failure: (answer) => (answer.say === 'failed' ? errorOf(answer, places) : undefined),
    error(end, detail) {
      switch (end) {
        case 'timeout':
          return trainError('ROOM_TRAIN_TIMEOUT', detail)
        case 'cancelled':
          return trainError('ROOM_TRAIN_CANCELLED')
        case 'gone':
          return trainError(detail === ABORTED ? 'ROOM_TRAIN_MEMORY' : 'ROOM_TRAIN_CRASHED')
        case 'malformed':
          return trainError('ROOM_TRAIN_CRASHED')
      }
    },
  }
}

function decodeAnswer(message: unknown): Answer | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const fields = message as Record<string, unknown>
  const { say } = fields
  if (say === 'tried' || say === 'gave') return { say }
  if (say === 'stands') return decodeStanding(fields)
  if (say === 'kept') return decodeKept(fields)
  if (say !== 'failed') return undefined
  const failure = decodeFailure(fields)
  return failure && { say, ...failure }
}

function decodeKept({ state }: Record<string, unknown>): Answer | undefined {
  if (state === undefined) return { say: 'kept' }
  const { step } = (state ?? {}) as Record<string, unknown>
  return isCount(step) ? { say: 'kept', state: { step } } : undefined
}

function decodeStanding({ done, of, lossMicros, ended }: Record<string, unknown>): Answer | undefined {
  if (!isCount(done) || !isCount(of) || done > of) return undefined
  if (lossMicros !== undefined && !Number.isSafeInteger(lossMicros)) return undefined
  const loss = lossMicros as number | undefined
  const standing = { say: 'stands', done, of, ...(loss !== undefined && { lossMicros: loss }) } as const
  if (ended === undefined) return standing
  const { reason, graph } = (ended ?? {}) as Record<string, unknown>
  if (reason !== 'steps' && reason !== 'early') return undefined
  if (graph !== undefined && !(typeof graph === 'string' && DIGEST.test(graph))) return undefined
  return { ...standing, ended: { reason, ...(graph !== undefined && { graph }) } }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
