import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} of WebAssembly modules in clean rooms. The module chooses how its run fails, so the
 * code is all that leaves of a run that failed, some three bits: no trap of the module's, no status, nothing it wrote.
 * - `ROOM_WASM_INVALID` (fix-input): the module is none that a room runs; `found` starts with the rule's name, see
 *   {@link WasmRule}.
 * - `ROOM_WASM_FUEL` (fix-input): the module used more instructions than it may.
 * - `ROOM_WASM_MEMORY` (fix-input): the module declares more memory than it may have, or the machine had less.
 * - `ROOM_WASM_TRAP` (fix-input): the module trapped, or called itself too deeply.
 * - `ROOM_WASM_EXIT` (fix-input): the module ended with a status other than 0.
 * - `ROOM_WASM_TOO_LARGE` (fix-input): the module wrote more than the contract allows; nothing of it leaves.
 * - `ROOM_WASM_INPUT` (fix-input): an input is not made of the items that its owner stated.
 * - `ROOM_WASM_TIMEOUT` (fix-input): the module took longer than it may; its process was killed.
 * - `ROOM_WASM_CANCELLED` (retry): the caller aborted.
 * - `ROOM_WASM_CRASHED` (retry): the process ended, or said what its protocol does not have.
 */
export type RoomWasmErrorCode =
  | 'ROOM_WASM_INVALID'
  | 'ROOM_WASM_FUEL'
  | 'ROOM_WASM_MEMORY'
  | 'ROOM_WASM_TRAP'
  | 'ROOM_WASM_EXIT'
  | 'ROOM_WASM_TOO_LARGE'
  | 'ROOM_WASM_INPUT'
  | 'ROOM_WASM_TIMEOUT'
  | 'ROOM_WASM_CANCELLED'
  | 'ROOM_WASM_CRASHED'

const ACTIONS: Readonly<Record<RoomWasmErrorCode, ErrorAction>> = {
  ROOM_WASM_INVALID: 'fix-input',
  ROOM_WASM_FUEL: 'fix-input',
  ROOM_WASM_MEMORY: 'fix-input',
  ROOM_WASM_TRAP: 'fix-input',
  ROOM_WASM_EXIT: 'fix-input',
  ROOM_WASM_TOO_LARGE: 'fix-input',
  ROOM_WASM_INPUT: 'fix-input',
  ROOM_WASM_TIMEOUT: 'fix-input',
  ROOM_WASM_CANCELLED: 'retry',
  ROOM_WASM_CRASHED: 'retry',
}

/** What is said of each; of a module that is invalid, {@link invalid} says more where no data are near. */
const MESSAGES: Readonly<Record<RoomWasmErrorCode, string>> = {
  ROOM_WASM_INVALID: 'the module is none that a room runs',
  ROOM_WASM_FUEL: 'the module used more instructions than it may',
  ROOM_WASM_MEMORY: 'the module needs more memory than it may have',
  ROOM_WASM_TRAP: 'the module trapped',
  ROOM_WASM_EXIT: 'the module ended with a status other than 0',
  ROOM_WASM_TOO_LARGE: 'the output is larger than the contract allows',
  ROOM_WASM_INPUT: 'an input is not made of the items that its owner stated',
  ROOM_WASM_TIMEOUT: 'the module took too long',
  ROOM_WASM_CANCELLED: 'the caller cancelled',
  ROOM_WASM_CRASHED: 'the process of the module ended, or sent something malformed',
}

/** Every rule that a module can break, with what it says. */
export const WASM_RULES = {
  format: 'the binary format of WebAssembly, version 1, to the last byte',
  'module-size': 'a module, before and after it is metered, is not larger than a room takes',
  count: 'no more of anything than a room takes',
  depth: 'blocks are not nested more deeply than a room takes',
  type: 'what the engine finds valid',
  simd: 'no SIMD',
  threads: 'no threads: no shared memory, no atomic instructions',
  exceptions: 'no exceptions',
  'tail-calls': 'no tail calls',
  gc: 'no garbage collection and no typed function references',
  memory64: 'memories and tables of 32 bits',
  'multi-memory': 'one memory',
  'extended-const': 'initial values are constants',
  opcode: 'instructions of WebAssembly 2.0 without SIMD',
  import: 'imports are functions of wasi_snapshot_preview1, with the types that it gives them',
  export: 'exports are `_start`, a function of nothing, the memory as `memory`, and whatever else',
  start: 'nothing runs before `_start`: no start function',
} as const
export type WasmRule = keyof typeof WASM_RULES

/** A {@link SottoError} of a module; action and message follow from the code. */
export function roomWasmError(
  code: RoomWasmErrorCode,
  options: SottoErrorOptions = {},
): SottoError<RoomWasmErrorCode> {
  return new SottoError<RoomWasmErrorCode>(code, ACTIONS[code], MESSAGES[code], options)
}

/** The refusal of a module. @param what the part of it that breaks the rule: our words and numbers, none of the module's names */
export function invalid(rule: WasmRule, what: string): SottoError<RoomWasmErrorCode> {
  return roomWasmError('ROOM_WASM_INVALID', { expected: WASM_RULES[rule], found: `${rule}: ${what}` })
}

/** Whether a string, as a child process sent it, is one of the codes. */
export function isRoomWasmErrorCode(code: unknown): code is RoomWasmErrorCode {
  return typeof code === 'string' && Object.hasOwn(ACTIONS, code)
}
