import { invalid, type WasmRule } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'
import type { WasmReader } from './reader.ts'
import { hexByte, readReferenceType, readValueType } from './value-types.ts'

/** Instructions that metering looks at. */
export const OPCODES = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  memoryGrow: 0x40,
  /** Before the number of an instruction of the second table. */
  prefix: 0xfc,
} as const

/** Of the second table: what takes as long as its last operand says. */
export const BULK_MEMORY: ReadonlySet<number> = new Set([8, 10, 11])
export const BULK_TABLE: ReadonlySet<number> = new Set([12, 14, 15, 17])

/** What of an instruction is refused, by its first byte. */
const REFUSED: ReadonlyMap<number, WasmRule> = new Map<number, WasmRule>([
  ...[0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f].map((byte): [number, WasmRule] => [byte, 'exceptions']),
  ...[0x12, 0x13, 0x15].map((byte): [number, WasmRule] => [byte, 'tail-calls']),
  ...[0x14, 0xd3, 0xd4, 0xd5, 0xd6, 0xfb].map((byte): [number, WasmRule] => [byte, 'gc']),
  [0xfd, 'simd'],
  [0xfe, 'threads'],
])

/** What a module has that instructions name. */
export interface Names {
  readonly types: number
  readonly globals: number
}

/**
 * Passes over what follows the first byte of an instruction that opens or closes no block and is no branch.
 * @returns the number in the second table, or -1
 * @throws `ROOM_WASM_INVALID`
 */
export function skipImmediates(reader: WasmReader, opcode: number, names: Names): number {
  // Most of them: numeric instructions, drop and select.
  if ((opcode >= 0x45 && opcode <= 0xc4) || opcode === 0x1a || opcode === 0x1b || opcode === 0x01) return -1
  if (opcode >= 0x20 && opcode <= 0x22) reader.u32()
  else if (opcode === 0x23 || opcode === 0x24) requireIndex(reader, names.globals, 'a global')
  else if (opcode >= 0x28 && opcode <= 0x3e) skipAddress(reader)
  else if (opcode === 0x41) reader.skipSigned(32)
  else if (opcode === 0x42) reader.skipSigned(64)
  else if (opcode === 0x43) reader.skip(4)
  else if (opcode === 0x44) reader.skip(8)
  else if (opcode === 0x3f || opcode === OPCODES.memoryGrow) requireFirstMemory(reader)
  else if (opcode === 0x10 || opcode === 0x25 || opcode === 0x26 || opcode === 0xd2) reader.u32()
  else if (opcode === 0x11) {
    requireIndex(reader, names.types, 'a type')
    reader.u32()
  } else if (opcode === 0x1c) {
    for (let left = reader.count(MODULE_LIMITS.values, 'values'); left > 0; left--) readValueType(reader)
  } else if (opcode === 0xd0) readReferenceType(reader)
  else if (opcode === OPCODES.prefix) return skipSecond(reader)
  else if (opcode !== 0xd1) {
    const at = reader.offset - 1
    throw invalid(REFUSED.get(opcode) ?? 'opcode', `opcode ${hexByte(opcode)}, at byte ${at}`)
  }
  return -1
}

function skipSecond(reader: WasmReader): number {
  const number = reader.u32()
  switch (number) {
    case 8: // memory.init
      reader.u32()
      requireFirstMemory(reader)
      break
    case 10: // memory.copy
      requireFirstMemory(reader)
      requireFirstMemory(reader)
      break
    case 11: // memory.fill
      requireFirstMemory(reader)
      break
    case 9: // data.drop
    case 13: // elem.drop
    case 15: // table.grow
    case 16: // table.size
    case 17: // table.fill
      reader.u32()
      break
    case 12: // table.init
    case 14: // table.copy
      reader.u32()
      reader.u32()
      break
    default:
      if (number > 7) throw invalid('opcode', `opcode 0xfc ${number}, before byte ${reader.offset}`)
  }
  return number
}

/** The labels of a branch, all of blocks that are open. @throws `ROOM_WASM_INVALID` */
export function skipLabels(reader: WasmReader, opcode: number, open: number): void {
  let labels = 1
  if (opcode === OPCODES.brTable) labels += reader.count(MODULE_LIMITS.labels, 'labels')
  for (; labels > 0; labels--) requireIndex(reader, open, 'a block')
}

function skipAddress(reader: WasmReader): void {
  const alignment = reader.u32()
  // Bit 6 says that the index of a memory follows.
  if (alignment >= 0x40 && alignment < 0x80)
    throw invalid('multi-memory', `an address, at byte ${reader.offset - 1}`)
  if (alignment > 3) throw invalid('format', `an alignment, at byte ${reader.offset - 1}`)
  reader.u32()
}

function requireFirstMemory(reader: WasmReader): void {
  if (reader.byte() !== 0) throw invalid('multi-memory', `another memory, at byte ${reader.offset - 1}`)
}

function requireIndex(reader: WasmReader, count: number, what: string): void {
  if (reader.u32() >= count)
    throw invalid('format', `${what} that is not there, before byte ${reader.offset}`)
}
