import {
  type Export,
  EXPORT_KINDS,
  type Extent,
  type FunctionType,
  readExports,
  readFunctions,
  readGlobals,
  readImports,
  readMemory,
  readTables,
  readTypes,
  type Table,
} from './declarations.ts'
import { invalid } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'
import { WasmReader } from './reader.ts'
import { readData, readElements } from './segments.ts'

/** Sections by their number (WebAssembly 2.0, 5.5.2). */
export const SECTIONS = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const
const TAG_SECTION = 13

/** The order in which they come, each at most once, custom ones anywhere. */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

/** What a module says it has. Its types are not checked, nor are the bodies looked at. */
export interface ParsedModule {
  /** Contents of each section that is there, custom ones not. */
  readonly sections: ReadonlyMap<number, WasmReader>
  readonly types: readonly FunctionType[]
  /** Names of functions of WASI. */
  readonly imports: readonly string[]
  readonly functions: readonly FunctionType[]
  readonly tables: readonly Table[]
  readonly memory: Extent
  readonly globals: number
  readonly exports: readonly Export[]
}

/**
 * Reads what a module declares: strictly, to the last byte, and nothing that a room does not run.
 * @param bytes chosen by the owner of the module
 * @param memoryBytes what its memory may have
 * @throws `ROOM_WASM_INVALID`, `ROOM_WASM_MEMORY`
 */
export function parseModule(bytes: Uint8Array, memoryBytes: number): ParsedModule {
  const sections = splitSections(bytes)
  const read = <T>(id: number, decode: (reader: WasmReader) => T, absent: T): T => {
    const content = sections.get(id)
    if (content === undefined) return absent
    const reader = new WasmReader(content.bytes, content.offset, content.end)
    const decoded = decode(reader)
    reader.requireEnd(`section ${id}`)
    return decoded
  }
  const types = read(SECTIONS.type, readTypes, [])
  const imports = read(SECTIONS.import, (reader) => readImports(reader, types), [])
  const functions = read(SECTIONS.function, (reader) => readFunctions(reader, types), [])
  const tables = read(SECTIONS.table, readTables, [])
  const memory = read(SECTIONS.memory, (reader) => readMemory(reader, memoryBytes), undefined)
  const globals = read(SECTIONS.global, readGlobals, 0)
  const exports = read(SECTIONS.export, readExports, [])
  if (sections.has(SECTIONS.start)) throw invalid('start', 'a start function')
  if (functions.length > 0 && !sections.has(SECTIONS.code)) throw invalid('format', 'functions without code')
  read(SECTIONS.element, readElements, undefined)
  const segments = read(SECTIONS.data, readData, 0)
  const counted = read(SECTIONS.dataCount, (reader) => reader.u32(), segments)
  if (counted !== segments) throw invalid('format', `${segments} segments of data, counted as ${counted}`)
  if (memory === undefined) throw invalid('export', 'no memory')
  requireExports(exports, imports.length, functions, { tables: tables.length, globals })
  return { sections, types, imports, functions, tables, memory, globals, exports }
}

/** `\0asm`, version 1. */
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

/** Before it is read. @throws `ROOM_WASM_INVALID` (`module-size`) */
export function requireModuleSize(bytes: number): void {
  if (bytes > MODULE_LIMITS.moduleBytes)
    throw invalid('module-size', `${bytes} bytes, of at most ${MODULE_LIMITS.moduleBytes}`)
}

function splitSections(bytes: Uint8Array): Map<number, WasmReader> {
  requireModuleSize(bytes.length)
  const reader = new WasmReader(bytes)
  for (const expected of PREAMBLE)
    if (reader.byte() !== expected) throw invalid('format', 'the start of another file')
  const sections = new Map<number, WasmReader>()
  let place = -1
  let custom = 0
  while (!reader.isAtEnd) {
    const at = reader.offset
    const id = reader.byte()
    const content = reader.part(reader.u32())
    if (id === SECTIONS.custom) {
      if (++custom > MODULE_LIMITS.customSections) throw invalid('count', `${custom} custom sections`)
      content.name()
      continue
    }
    if (id === TAG_SECTION) throw invalid('exceptions', `a section of tags, at byte ${at}`)
    const next = SECTION_ORDER.indexOf(id)
    if (next < 0) throw invalid('format', `section ${id}, at byte ${at}`)
    if (next <= place) throw invalid('format', `section ${id} twice or out of order, at byte ${at}`)
    place = next
    sections.set(id, content)
  }
  return sections
}

function requireExports(
  exports: readonly Export[],
  imports: number,
  functions: readonly FunctionType[],
  counts: { tables: number; globals: number },
): void {
  const total = [imports + functions.length, counts.tables, 1, counts.globals]
  for (const [at, { kind, index }] of exports.entries())
    if (index >= total[kind]!) throw invalid('format', `export ${at + 1} of something that is not there`)
  const start = exports.find(({ name }) => name === '_start')
  if (start?.kind !== EXPORT_KINDS.function || functions[start.index - imports]?.signature !== ':')
    throw invalid('export', 'no function _start of nothing')
  if (exports.find(({ name }) => name === 'memory')?.kind !== EXPORT_KINDS.memory)
    throw invalid('export', 'the memory is not exported as memory')
}
