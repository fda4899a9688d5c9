import { invalid } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'
import type { WasmReader } from './reader.ts'
import { readConstant, readReferenceType } from './value-types.ts'

/** Flags of a segment of elements (WebAssembly 2.0, 5.5.12). */
const PASSIVE_OR_DECLARATIVE = 1
const EXPLICIT = 2
const EXPRESSIONS = 4

/** Passes over the segments of elements. @throws `ROOM_WASM_INVALID` */
export function readElements(reader: WasmReader): void {
  for (let left = reader.count(MODULE_LIMITS.segments, 'segments of elements'); left > 0; left--) {
    const flags = reader.u32()
    if (flags > 7) throw invalid('format', `a segment of elements, at byte ${reader.offset - 1}`)
    const isActive = (flags & PASSIVE_OR_DECLARATIVE) === 0
    const isExplicit = (flags & EXPLICIT) !== 0
    if (isActive) {
      if (isExplicit) reader.u32()
      readConstant(reader)
    }
    // With an index of a table, or without a table at all, the segment says of what it is.
    if (!isActive || isExplicit) {
      if ((flags & EXPRESSIONS) !== 0) readReferenceType(reader)
      else if (reader.byte() !== 0)
        throw invalid('format', `elements of no kind, at byte ${reader.offset - 1}`)
    }
    for (let items = reader.count(MODULE_LIMITS.elements, 'elements'); items > 0; items--) {
      if ((flags & EXPRESSIONS) !== 0) readConstant(reader)
      else reader.u32()
    }
  }
}

/** Passes over the segments of data. @returns how many there are @throws `ROOM_WASM_INVALID` */
export function readData(reader: WasmReader): number {
  const segments = reader.count(MODULE_LIMITS.segments, 'segments of data')
  for (let left = segments; left > 0; left--) {
    const flags = reader.u32()
    if (flags > 2) throw invalid('format', `a segment of data, at byte ${reader.offset - 1}`)
    if (flags === 2 && reader.u32() !== 0) throw invalid('multi-memory', 'a segment of data')
    if (flags !== 1) readConstant(reader)
    reader.skip(reader.u32())
  }
  return segments
}
