import { CONTRACT_NAME, type WasmTask } from '@sotto/protocol/contract'
import { MAX_DATA_ITEMS } from '@sotto/protocol/room'
import { FIRST_INPUT_DESCRIPTOR, type RoomProcessOptions } from '../process/index.ts'
import { hasCode } from '@sotto/protocol/errors'
import { invalid, roomWasmError } from './errors.ts'
import { checkModule } from './meter.ts'
import { requireModuleSize } from './module.ts'
import { WasmProcess } from './process.ts'

/**
 * Where and how modules run, the same for all of a room. The process takes some 300 MiB beside the memory of the module and
 * its output: a limit of memory in `prefix` has to leave it that, or what it can have depends on the machine.
 */
export type WasmEngine = Omit<RoomProcessOptions, 'fds' | 'timeoutMs' | 'signal'>

/** An input's data, in a RAM file (`openUnnamed`) that the process may read. */
export interface WasmInput {
  /** Of the contract: the module finds it as `/in/NAME`. */
  readonly name: string
  /** Read-only descriptor. */
  readonly fd: number
  /**
   * `one`: a file, as tables and code are. Otherwise a directory of so many items, 1 to 1000000, `/in/NAME/0` and so on; each
   * has its length before it in the RAM file (four bytes, most significant first).
   */
  readonly items: 'one' | number
}

/** One run of a module. */
export interface WasmRun {
  /** As its owner gave it; whether it may run is found out before an input is read. */
  readonly module: Uint8Array
  /** Of the task. Before them the module finds `module`, as its own name. */
  readonly args: readonly string[]
  readonly limits: WasmTask['limits']
  readonly inputs: readonly WasmInput[]
  /** Bytes of `/out`. */
  readonly maxOutputBytes: number
  /** Seconds since 1970, of every clock of the module for the whole run. */
  readonly time: number
  /** 32 bytes that `random_get` follows from: whoever knows them knows what it gives. */
  readonly seed: Uint8Array
  readonly signal?: AbortSignal
}

/** Bytes of a piece of a module on its way to the process. */
const PIECE_BYTES = 1024 * 1024
/** Milliseconds that the engine has to compile a module which nobody runs. */
const TRY_MS = 60_000

/**
 * Checks a module before anybody signs for it, as the room will that runs it, and has the engine validate and compile it in a
 * process of its own, without data.
 * @throws `ROOM_WASM_INVALID` with the first rule that it breaks, `ROOM_WASM_MEMORY`, `ROOM_WASM_TIMEOUT`
 */
export async function tryModule(
  engine: WasmEngine,
  module: Uint8Array,
  limits: WasmTask['limits'],
): Promise<void> {
  checkModule(module, limits)
  const child = new WasmProcess({ ...engine, fds: [], timeoutMs: TRY_MS })
  try {
    await load(child, module, limits)
  } catch (error) {
    // All that {@link checkModule} does not look at.
    if (hasCode(error, 'ROOM_WASM_INVALID')) throw invalid('type', 'the engine finds it not valid')
    throw error
  } finally {
    await child.close()
  }
}

/**
 * Runs a module. The same module over the same inputs, with the same time and seed, writes the same bytes, on processors of
 * one kind: what WebAssembly leaves open is the bits of a number that is none (NaN), and how deep calls go. All of the output
 * or nothing is answered.
 * @returns what it wrote to `/out`; empty where it wrote nothing
 * @throws every code of `ROOM_WASM_`
 */
export async function runWasm(engine: WasmEngine, run: WasmRun): Promise<Uint8Array> {
  requireRunnable(run)
  const { module, args, limits, inputs, maxOutputBytes, time, seed, signal } = run
  const fds = inputs.map(({ fd }) => fd)
  const child = new WasmProcess({ ...engine, fds, timeoutMs: limits.seconds * 1000, signal })
  try {
    await load(child, module, limits)
    const pieces: Uint8Array[] = []
    let length = 0
    await child.ask(
      {
        ask: 'run',
        args,
        inputs: inputs.map(({ name, items }, at) => ({ name, fd: FIRST_INPUT_DESCRIPTOR + at, items })),
        maxOutputBytes,
        time,
        seed: Buffer.from(seed).toString('hex'),
      },
      'ran',
      (bytes) => {
        // The process bounds it itself, and is not trusted to.
        if (bytes.length === 0) return
        length += bytes.length
        if (length > maxOutputBytes)
          throw roomWasmError('ROOM_WASM_TOO_LARGE', { expected: `at most ${maxOutputBytes} bytes` })
        pieces.push(bytes)
      },
    )
    return Buffer.concat(pieces)
  } finally {
    await child.close()
  }
}

async function load(child: WasmProcess, module: Uint8Array, limits: WasmTask['limits']): Promise<void> {
  for (let at = 0; at < module.length; at += PIECE_BYTES) child.send(module.subarray(at, at + PIECE_BYTES))
  const { memoryBytes, fuelMillions } = limits
  await child.ask({ ask: 'load', limits: { memoryBytes, fuelMillions } }, 'loaded')
}

/** The room chose these: whoever gets them wrong has a mistake in the program. @throws `TypeError` */
function requireRunnable({ inputs, args, seed, time, maxOutputBytes, module }: WasmRun): void {
  const names = new Set(inputs.map(({ name }) => name))
  if (names.size !== inputs.length || !inputs.every(({ name }) => CONTRACT_NAME.test(name)))
    throw new TypeError('inputs have names of a contract, each its own')
  if (!inputs.every(({ items }) => items === 'one' || isCount(items, MAX_DATA_ITEMS)))
    throw new TypeError('an input is one file, or 1 to 1000000 items')
  if (args.some((arg) => arg.includes('\0'))) throw new TypeError('arguments have no NUL')
  if (seed.length !== 32) throw new TypeError('a seed has 32 bytes')
  if (!isCount(maxOutputBytes, Number.MAX_SAFE_INTEGER)) throw new TypeError('an output has a bound')
  // What nanoseconds of 64 bits reach.
  if (!isCount(time, 2 ** 34)) throw new TypeError('a time is in seconds')
  requireModuleSize(module.length)
}

function isCount(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max
}
