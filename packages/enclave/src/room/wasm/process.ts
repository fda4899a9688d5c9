import { type Dialect, RoomProcess, type RoomProcessOptions } from '../process/index.ts'
import { isRoomWasmErrorCode, roomWasmError } from './errors.ts'
import type { Answer, Question } from './messages.ts'

/**
 * One compiler for all code, so that how deep calls can go does not follow from when the engine finds a function worth its
 * second one.
 */
const ENGINE_FLAGS = ['--no-liftoff']

/** The process of one module, and of nothing else after it. */
export class WasmProcess extends RoomProcess<Question, Answer> {
  constructor(options: RoomProcessOptions) {
    super({ ...options, flags: [...(options.flags ?? []), ...ENGINE_FLAGS] }, DIALECT)
  }
}

const DIALECT: Dialect<Answer> = {
  decode: decodeAnswer,
  failure: (answer) => (answer.say === 'failed' ? roomWasmError(answer.code) : undefined),
  error(end, expected) {
    switch (end) {
      case 'timeout':
        return roomWasmError('ROOM_WASM_TIMEOUT', expected === undefined ? {} : { expected })
      case 'cancelled':
        return roomWasmError('ROOM_WASM_CANCELLED')
      case 'gone':
      case 'malformed':
        return roomWasmError('ROOM_WASM_CRASHED')
    }
  },
}

function decodeAnswer(message: unknown): Answer | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { say, code } = message as Record<string, unknown>
  if (say === 'loaded' || say === 'ran') return { say }
  if (say === 'failed' && isRoomWasmErrorCode(code)) return { say, code }
  return undefined
}
