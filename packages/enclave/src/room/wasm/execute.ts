import { fstatSync } from 'node:fs'
import { isRoomWasmErrorCode, invalid, roomWasmError } from './errors.ts'
import { type MeterLimits, meterModule } from './meter.ts'
import {
  Descriptors,
  directoryOf,
  directoryOfItems,
  fileOf,
  findItems,
  GuestMemory,
  ModuleExit,
  OutputFile,
  RandomStream,
  type WasiDirectory,
  wasiImports,
  type WasiNode,
} from './wasi/index.ts'
import { WASI_MODULE } from './wasi/signatures.ts'

/** An input, by the descriptor that this process has of it. */
export interface InputFile {
  readonly name: string
  readonly fd: number
  /** `one`: it is a file. Otherwise so many items, each with its length before it (four bytes, most significant first). */
  readonly items: 'one' | number
}

/** One run of a module. */
export interface Execution {
  readonly args: readonly string[]
  readonly inputs: readonly InputFile[]
  readonly maxOutputBytes: number
  /** Seconds since 1970, of all clocks. */
  readonly time: number
  /** What `random_get` follows from, in hex. */
  readonly seed: string
}

/** A module that the engine took, metered. */
export interface CompiledModule {
  readonly module: WebAssembly.Module
  readonly fuel: string
  readonly imports: readonly string[]
}

/** What a module finds as its own name. */
const MODULE_NAME = 'module'

/**
 * Meters a module, and has the engine compile it.
 * @throws `ROOM_WASM_INVALID`, `ROOM_WASM_MEMORY`
 */
export function compileModule(bytes: Uint8Array<ArrayBuffer>, limits: MeterLimits): CompiledModule {
  // The module as it came: what names things that are only there once it is metered is not valid.
  if (!WebAssembly.validate(bytes)) {
    meterModule(bytes, limits)
    throw invalid('type', 'the engine finds it not valid')
  }
  const { bytes: metered, fuel, imports } = meterModule(bytes, limits)
  try {
    return { module: new WebAssembly.Module(metered), fuel, imports }
  } catch {
    throw invalid('type', 'the engine does not take it once it is metered')
  }
}

/**
 * Runs `_start`. The module has its inputs, one file to write, and nothing else.
 * @returns what it wrote, and what of its fuel is left
 * @throws `ROOM_WASM_FUEL`, `ROOM_WASM_TRAP`, `ROOM_WASM_EXIT`, `ROOM_WASM_MEMORY`, `ROOM_WASM_TOO_LARGE`, `ROOM_WASM_INPUT`
 */
export function executeModule(
  compiled: CompiledModule,
  run: Execution,
): { output: Uint8Array<ArrayBuffer>; fuelLeft: bigint } {
  const output = new OutputFile(OUTPUT_INODE, run.maxOutputBytes)
  const root = makeRoot(run.inputs, output)
  let instance: WebAssembly.Instance | undefined
  const fuel = (): WebAssembly.Global<'i64'> => instance!.exports[compiled.fuel] as WebAssembly.Global<'i64'>
  try {
    const imports = wasiImports(compiled.imports, () => ({
      memory: new GuestMemory(instance!.exports['memory'] as WebAssembly.Memory),
      descriptors: new Descriptors(root),
      args: [MODULE_NAME, ...run.args].map((arg) => new TextEncoder().encode(arg)),
      time: BigInt(run.time) * 1_000_000_000n,
      random: new RandomStream(Buffer.from(run.seed, 'hex')),
      pay(instructions) {
        fuel().value -= BigInt(instructions)
        if (fuel().value < 0n) throw roomWasmError('ROOM_WASM_FUEL')
      },
    }))
    instance = new WebAssembly.Instance(compiled.module, { [WASI_MODULE]: imports })
    ;(instance.exports['_start'] as () => void)()
  } catch (error) {
    const end = endOf(error, () => instance !== undefined && fuel().value < 0n)
    if (end) throw end
  }
  // Segments pay before anybody looks: what ran to its end with too little is as good as stopped.
  if (fuel().value < 0n) throw roomWasmError('ROOM_WASM_FUEL')
  return { output: output.bytes(), fuelLeft: fuel().value }
}

const ROOT_INODE = 1n
const INPUTS_INODE = 2n
const OUTPUT_INODE = 3n
const FIRST_INPUT_INODE = 4n

/** `/in/NAME` for each input, `/in/NAME/0` and so on where it has items, and `/out`. @throws `ROOM_WASM_INPUT` */
function makeRoot(inputs: readonly InputFile[], output: OutputFile): WasiDirectory {
  const nodes = inputs.map(({ name, fd, items }, at): [string, WasiNode] => {
    const inode = FIRST_INPUT_INODE + BigInt(at)
    const { size } = fstatSync(fd)
    if (items === 'one') return [name, fileOf(inode, fd, 0, size)]
    return [name, directoryOfItems(inode, fd, findItems(fd, size, items))]
  })
  return directoryOf(
    ROOT_INODE,
    new Map<string, WasiNode>([
      ['in', directoryOf(INPUTS_INODE, new Map(nodes))],
      ['out', output],
    ]),
  )
}

/** What a run that did not return from `_start` ends with; undefined where it ended itself, and well. */
function endOf(error: unknown, hasNoFuel: () => boolean): unknown {
  if (error instanceof ModuleExit) return error.status === 0 ? undefined : roomWasmError('ROOM_WASM_EXIT')
  if (isRoomWasmErrorCode((error as { code?: unknown }).code)) return error
  if (error instanceof WebAssembly.RuntimeError)
    return roomWasmError(hasNoFuel() ? 'ROOM_WASM_FUEL' : 'ROOM_WASM_TRAP')
  // The engine's: the stack is used up, or memory cannot be had.
  if (error instanceof RangeError)
    return roomWasmError(/call stack/.test(error.message) ? 'ROOM_WASM_TRAP' : 'ROOM_WASM_MEMORY')
  return error
}
