import { invalid, type WasmRule } from './errors.ts'
import type { WasmReader } from './reader.ts'

/** One letter for each type of a value that a module may have. */
export type ValueType = 'i' | 'I' | 'f' | 'F' | 'r' | 'x'

const VALUE_TYPES: ReadonlyMap<number, ValueType> = new Map([
  [0x7f, 'i'],
  [0x7e, 'I'],
  [0x7d, 'f'],
  [0x7c, 'F'],
  [0x70, 'r'],
  [0x6f, 'x'],
])

/** What other types are of, as far as the standard and its proposals have taken the byte. */
const REFUSED: ReadonlyMap<number, WasmRule> = new Map<number, WasmRule>([
  [0x7b, 'simd'],
  [0x69, 'exceptions'],
  [0x74, 'exceptions'],
  ...[0x78, 0x77, 0x73, 0x72, 0x71, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x68, 0x64, 0x63].map(
    (byte): [number, WasmRule] => [byte, 'gc'],
  ),
])

/** @throws `ROOM_WASM_INVALID` */
export function readValueType(reader: WasmReader): ValueType {
  const byte = reader.byte()
  const type = VALUE_TYPES.get(byte)
  if (type !== undefined) return type
  throw invalid(REFUSED.get(byte) ?? 'format', `type ${hexByte(byte)}, at byte ${reader.offset - 1}`)
}

/** @throws `ROOM_WASM_INVALID` */
export function readReferenceType(reader: WasmReader): void {
  const type = readValueType(reader)
  if (type !== 'r' && type !== 'x')
    throw invalid('format', `no type of references, at byte ${reader.offset - 1}`)
}

/** The type of a block: none, one value, or the index of a function type. @throws `ROOM_WASM_INVALID` */
export function readBlockType(reader: WasmReader, types: number): void {
  const start = reader.offset
  const first = reader.byte()
  if (first === 0x40) return
  reader.offset = start
  if (first > 0x40 && first < 0x80) {
    readValueType(reader)
    return
  }
  reader.skipSigned(33)
  // Below zero are types of values, which are one byte.
  if ((reader.bytes[reader.offset - 1]! & 0x40) !== 0 && reader.offset - start < 5)
    throw invalid('format', `the type of a block, at byte ${start}`)
  reader.offset = start
  if (reader.u32() >= types) throw invalid('format', `the type of a block, at byte ${start}`)
}

/**
 * An initial value or an offset: one constant. No global can be one: only those that are imported, and none is.
 * @throws `ROOM_WASM_INVALID`
 */
export function readConstant(reader: WasmReader): void {
  const opcode = reader.byte()
  if (opcode === 0x41) reader.skipSigned(32)
  else if (opcode === 0x42) reader.skipSigned(64)
  else if (opcode === 0x43) reader.skip(4)
  else if (opcode === 0x44) reader.skip(8)
  else if (opcode === 0xd0) readReferenceType(reader)
  else if (opcode === 0xd2) reader.u32()
  else if (opcode === 0xfb) throw invalid('gc', `a constant, at byte ${reader.offset - 1}`)
  else if (opcode === 0xfd) throw invalid('simd', `a constant, at byte ${reader.offset - 1}`)
  else throw invalid('extended-const', `opcode ${hexByte(opcode)}, at byte ${reader.offset - 1}`)
  const end = reader.byte()
  if (end !== 0x0b) throw invalid('extended-const', `opcode ${hexByte(end)}, at byte ${reader.offset - 1}`)
}

export function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
