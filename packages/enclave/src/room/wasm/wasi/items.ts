import { readSync } from 'node:fs'
import { roomWasmError } from '../errors.ts'

/** Where the items of an input are. */
export interface ItemRange {
  readonly count: number
  startOf(index: number): number
  lengthOf(index: number): number
}

const PREFIX = 4
/** Bytes that are read at once, so that many small items take few reads. */
const CHUNK = 65_536

/**
 * Finds the items of an input, each with its length before it (four bytes, most significant first), to its last byte.
 * @param size bytes of the input
 * @throws `ROOM_WASM_INPUT`
 */
export function findItems(fd: number, size: number, count: number): ItemRange {
  const starts = new Float64Array(count)
  const lengths = new Uint32Array(count)
  const chunk = Buffer.alloc(CHUNK)
  let held = 0
  let heldAt = 0
  let at = 0
  for (let index = 0; index < count; index++) {
    if (at + PREFIX > heldAt + held) {
      held = readSync(fd, chunk, 0, CHUNK, at)
      heldAt = at
      if (held < PREFIX) throw roomWasmError('ROOM_WASM_INPUT')
    }
    const length = chunk.readUInt32BE(at - heldAt)
    starts[index] = at + PREFIX
    lengths[index] = length
    at += PREFIX + length
    if (at > size) throw roomWasmError('ROOM_WASM_INPUT')
  }
  if (at !== size) throw roomWasmError('ROOM_WASM_INPUT')
  return { count, startOf: (index) => starts[index]!, lengthOf: (index) => lengths[index]! }
}
