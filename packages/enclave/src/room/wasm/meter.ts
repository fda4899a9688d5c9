import { EXPORT_KINDS, type Extent, type Table } from './declarations.ts'
import { invalid } from './errors.ts'
import { MAX_PAGES, MAX_TABLE_ELEMENTS, MODULE_LIMITS, PAGE_BYTES } from './limits.ts'
import { meterBody } from './meter-body.ts'
import { type ParsedModule, parseModule, SECTION_ORDER, SECTIONS } from './module.ts'
import { Payment } from './payment.ts'
import { WasmReader } from './reader.ts'
import { encodeS64, encodeU32, WasmWriter } from './writer.ts'

/** What a module may take, as its task says. */
export interface MeterLimits {
  /** Bytes of its memory at most; whole pages of them count, and 4 GiB are the most that 32 bits address. */
  readonly memoryBytes: number
  /** Instructions at most, in millions: up to 9e9. */
  readonly fuelMillions: number
}

/** A module that pays for what it does, and that stops. */
export interface MeteredModule {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Name under which the global that says what is left is exported. No other export has it, and no module sees exports. */
  readonly fuel: string
  /** Names of functions of WASI that it imports. */
  readonly imports: readonly string[]
}

/**
 * Checks that a room would run a module: its format, what it declares, imports and exports, and each instruction. Only types
 * are not looked at, which the engine does in a process of its own: see `tryModule`. Takes one to three seconds for the largest.
 * @param bytes chosen by the owner of the module
 * @throws `ROOM_WASM_INVALID` with the first rule that it breaks, `ROOM_WASM_MEMORY`
 */
export function checkModule(bytes: Uint8Array, limits: MeterLimits): void {
  rewrite(bytes, limits, new WasmWriter(false))
}

/**
 * Rewrites a module so that it ends: its code takes what it does from a global, and traps once that is below zero; its
 * memory and its tables have a maximum. That global comes after all others, so that theirs keep their numbers, and a module
 * that names it names one that is not there: whoever runs the result has to let the engine validate `bytes` first. Custom
 * sections, which say where in the code something is, are left out.
 *
 * @throws `ROOM_WASM_INVALID`, `ROOM_WASM_MEMORY`
 */
export function meterModule(bytes: Uint8Array, limits: MeterLimits): MeteredModule {
  const writer = new WasmWriter(true)
  const { fuel, imports } = rewrite(bytes, limits, writer)
  return { bytes: writer.bytes(), fuel, imports }
}

function rewrite(
  bytes: Uint8Array,
  { memoryBytes, fuelMillions }: MeterLimits,
  writer: WasmWriter,
): Omit<MeteredModule, 'bytes'> {
  const module = parseModule(bytes, memoryBytes)
  const fuel = nameOfFuel(module)
  const rewritten = new Map<number, (content: WasmReader | undefined) => Uint8Array | WasmWriter>([
    [SECTIONS.table, () => encodeTables(module.tables)],
    [SECTIONS.memory, () => encodeMemory(module.memory, memoryBytes)],
    [SECTIONS.global, (content) => encodeGlobals(content, module.globals, fuelMillions * 1_000_000)],
    [SECTIONS.export, (content) => encodeExports(content, module, fuel)],
    [SECTIONS.code, (content) => encodeCode(content, module, writer.fresh())],
  ])
  writer.add(bytes.subarray(0, 8))
  for (const id of SECTION_ORDER) {
    const content = module.sections.get(id)
    // Of globals there is one in any case.
    if (content === undefined && id !== SECTIONS.global) continue
    const encode = rewritten.get(id)
    writer.add([id]).sized(encode ? encode(content) : content!.bytes.subarray(content!.offset, content!.end))
  }
  return { fuel, imports: module.imports }
}

function nameOfFuel({ exports }: ParsedModule): string {
  const names = new Set(exports.map(({ name }) => name))
  let number = 0
  while (names.has(`fuel-${number}`)) number++
  return `fuel-${number}`
}

function encodeExtent(initial: number, max: number): number[] {
  return [1, ...encodeU32(initial), ...encodeU32(max)]
}

/** What tables can grow to comes to no more than there may be of all. */
function encodeTables(tables: readonly Table[]): Uint8Array {
  const initial = tables.reduce((sum, table) => sum + table.initial, 0)
  const share = Math.floor((MAX_TABLE_ELEMENTS - initial) / tables.length)
  return Uint8Array.from([
    ...encodeU32(tables.length),
    ...tables.flatMap((table) => [
      table.type,
      ...encodeExtent(table.initial, Math.min(table.max ?? Infinity, table.initial + share)),
    ]),
  ])
}

function encodeMemory(memory: Extent, memoryBytes: number): Uint8Array {
  const max = Math.min(memory.max ?? MAX_PAGES, Math.floor(memoryBytes / PAGE_BYTES), MAX_PAGES)
  return Uint8Array.from([1, ...encodeExtent(memory.initial, max)])
}

/** Those of the module, and one of 64 bits that changes. */
function encodeGlobals(content: WasmReader | undefined, globals: number, fuel: number): Uint8Array {
  return new WasmWriter(true)
    .u32(globals + 1)
    .add(itemsOf(content))
    .add([0x7e, 0x01, 0x42, ...encodeS64(fuel), 0x0b])
    .bytes()
}

function encodeExports(content: WasmReader | undefined, module: ParsedModule, fuel: string): Uint8Array {
  return new WasmWriter(true)
    .u32(module.exports.length + 1)
    .add(itemsOf(content))
    .sized(Buffer.from(fuel))
    .add([EXPORT_KINDS.global])
    .u32(module.globals)
    .bytes()
}

/** The bytes of a section behind its count. */
function itemsOf(content: WasmReader | undefined): Uint8Array {
  if (content === undefined) return new Uint8Array()
  const reader = new WasmReader(content.bytes, content.offset, content.end)
  reader.u32()
  return reader.bytes.subarray(reader.offset, reader.end)
}

function encodeCode(content: WasmReader | undefined, module: ParsedModule, writer: WasmWriter): WasmWriter {
  const reader = new WasmReader(content!.bytes, content!.offset, content!.end)
  const { functions } = module
  const count = reader.u32()
  if (count !== functions.length) throw invalid('format', `${functions.length} functions, ${count} bodies`)
  const names = { types: module.types.length, globals: module.globals }
  const payment = new Payment(module.globals)
  writer.u32(count)
  for (const [at, { parameters }] of functions.entries()) {
    const pieces = meterBody(reader.part(reader.u32()), parameters, names, payment)
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (length > MODULE_LIMITS.bodyBytes)
      throw invalid('module-size', `function ${at + 1} has ${length} bytes once it is metered`)
    writer.u32(length)
    for (const piece of pieces) writer.add(piece)
  }
  reader.requireEnd('the section of code')
  return writer
}
