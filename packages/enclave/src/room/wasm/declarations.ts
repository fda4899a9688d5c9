import { invalid, roomWasmError } from './errors.ts'
import { MAX_PAGES, MAX_TABLE_ELEMENTS, MODULE_LIMITS, PAGE_BYTES } from './limits.ts'
import type { WasmReader } from './reader.ts'
import { isWasiFunction, WASI_MODULE } from './wasi/signatures.ts'
import { hexByte, readConstant, readReferenceType, readValueType } from './value-types.ts'

/** Type of a function. */
export interface FunctionType {
  readonly parameters: number
  /** Letters of its parameters, a colon, and letters of its results. */
  readonly signature: string
}

/** How much there is of something, in pages or elements. */
export interface Extent {
  readonly initial: number
  /** Absent: as much as there can be. */
  readonly max: number | undefined
}

/** A table, by where its bytes are. */
export interface Table extends Extent {
  readonly type: number
}

/** An export. */
export interface Export {
  readonly name: string
  readonly kind: number
  readonly index: number
}

/** Kinds of exports. */
export const EXPORT_KINDS = { function: 0, table: 1, memory: 2, global: 3 } as const

export function readTypes(reader: WasmReader): FunctionType[] {
  const types: FunctionType[] = []
  for (let left = reader.count(MODULE_LIMITS.types, 'types'); left > 0; left--) {
    const form = reader.byte()
    if (form !== 0x60) {
      const isGc = [0x4e, 0x4f, 0x50, 0x5e, 0x5f].includes(form)
      throw invalid(isGc ? 'gc' : 'format', `type form ${hexByte(form)}, at byte ${reader.offset - 1}`)
    }
    const parameters = readValueTypes(reader)
    types.push({ parameters: parameters.length, signature: `${parameters}:${readValueTypes(reader)}` })
  }
  return types
}

function readValueTypes(reader: WasmReader): string {
  const count = reader.count(MODULE_LIMITS.values, 'values')
  return Array.from({ length: count }, () => readValueType(reader)).join('')
}

/** Imports are what a module can do beside computing: each is looked at. @returns names of functions, in their order */
export function readImports(reader: WasmReader, types: readonly FunctionType[]): string[] {
  const names: string[] = []
  for (let left = reader.count(MODULE_LIMITS.imports, 'imports'); left > 0; left--) {
    const module = reader.name()
    const name = reader.name()
    const at = `import ${names.length + 1}`
    if (module !== WASI_MODULE) throw invalid('import', `${at} is of another module`)
    if (reader.byte() !== EXPORT_KINDS.function) throw invalid('import', `${at} is no function`)
    const type = typeAt(types, reader.u32())
    if (!isWasiFunction(name, type.signature))
      throw invalid('import', `${at} is no function of it, or has another type`)
    names.push(name)
  }
  return names
}

export function readFunctions(reader: WasmReader, types: readonly FunctionType[]): FunctionType[] {
  const functions: FunctionType[] = []
  for (let left = reader.count(MODULE_LIMITS.functions, 'functions'); left > 0; left--)
    functions.push(typeAt(types, reader.u32()))
  return functions
}

function typeAt(types: readonly FunctionType[], index: number): FunctionType {
  const type = types[index]
  if (type === undefined) throw invalid('format', `type ${index} of ${types.length}`)
  return type
}

export function readTables(reader: WasmReader): Table[] {
  const tables: Table[] = []
  for (let left = reader.count(MODULE_LIMITS.tables, 'tables'); left > 0; left--) {
    // A table with an initial value.
    if (reader.bytes[reader.offset] === 0x40) throw invalid('gc', `a table, at byte ${reader.offset}`)
    const start = reader.offset
    readReferenceType(reader)
    tables.push({ type: reader.bytes[start]!, ...readExtent(reader) })
  }
  const initial = tables.reduce((sum, table) => sum + table.initial, 0)
  if (initial > MAX_TABLE_ELEMENTS)
    throw invalid('count', `${initial} elements of tables, of at most ${MAX_TABLE_ELEMENTS}`)
  return tables
}

/** @param memoryBytes bytes that the memory may have, of which whole pages count @throws `ROOM_WASM_MEMORY` */
export function readMemory(reader: WasmReader, memoryBytes: number): Extent | undefined {
  const memories = reader.count(MODULE_LIMITS.imports, 'memories')
  if (memories > 1) throw invalid('multi-memory', `${memories} memories`)
  if (memories === 0) return undefined
  const memory = readExtent(reader)
  if (memory.initial > MAX_PAGES || (memory.max ?? 0) > MAX_PAGES)
    throw invalid('format', `a memory of more than ${MAX_PAGES} pages`)
  if (memory.initial * PAGE_BYTES > memoryBytes)
    throw roomWasmError('ROOM_WASM_MEMORY', {
      expected: `at most ${memoryBytes} bytes`,
      found: `${memory.initial * PAGE_BYTES} bytes from the start`,
    })
  return memory
}

function readExtent(reader: WasmReader): Extent {
  const flags = reader.byte()
  if (flags >= 4 && flags < 8) throw invalid('memory64', `limits, at byte ${reader.offset - 1}`)
  if (flags === 2 || flags === 3) throw invalid('threads', `limits, at byte ${reader.offset - 1}`)
  if (flags > 1) throw invalid('format', `limits, at byte ${reader.offset - 1}`)
  const initial = reader.u32()
  const max = flags === 1 ? reader.u32() : undefined
  if (max !== undefined && initial > max) throw invalid('format', 'a maximum that is below the initial size')
  return { initial, max }
}

/** @returns how many there are */
export function readGlobals(reader: WasmReader): number {
  const globals = reader.count(MODULE_LIMITS.globals, 'globals')
  for (let left = globals; left > 0; left--) {
    readValueType(reader)
    const flags = reader.byte()
    if (flags === 2 || flags === 3) throw invalid('threads', `a global, at byte ${reader.offset - 1}`)
    if (flags > 1) throw invalid('format', `a global, at byte ${reader.offset - 1}`)
    readConstant(reader)
  }
  return globals
}

export function readExports(reader: WasmReader): Export[] {
  const exports: Export[] = []
  const names = new Set<string>()
  for (let left = reader.count(MODULE_LIMITS.exports, 'exports'); left > 0; left--) {
    const name = reader.name()
    const kind = reader.byte()
    if (kind === 4) throw invalid('exceptions', `export ${exports.length + 1} is a tag`)
    if (kind > 4) throw invalid('format', `export ${exports.length + 1} is of no kind`)
    if (names.has(name)) throw invalid('format', `export ${exports.length + 1} has the name of another`)
    names.add(name)
    exports.push({ name, kind, index: reader.u32() })
  }
  return exports
}
