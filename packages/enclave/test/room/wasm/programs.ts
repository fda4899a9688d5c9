import { closeSync } from 'node:fs'
import { compileModule, executeModule } from '../../../src/room/wasm/execute.ts'
import type { MeterLimits } from '../../../src/room/wasm/index.ts'
import { ramFile } from '../sql/engine.ts'
import {
  assemble,
  block,
  branch,
  branchIf,
  call,
  DROP,
  get,
  i32,
  I32,
  I64,
  i64,
  load,
  loop,
  type ModuleSource,
  program,
  type Signature,
  store,
  unsigned,
} from './assembler.ts'

export const LIMITS: MeterLimits = { memoryBytes: 4 * 65_536, fuelMillions: 10 }

/** What a program finds. */
export interface World {
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>
  readonly args?: readonly string[]
  readonly limits?: MeterLimits
  readonly maxOutputBytes?: number
  readonly seed?: string
}

/** Items, each with its length before it. */
export function joinItems(items: readonly string[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(item))
      return [length, Buffer.from(item)]
    }),
  )
}

/** Runs a module in this process. */
export function run(bytes: Uint8Array<ArrayBuffer>, world: World = {}): { output: string; fuelLeft: bigint } {
  const { inputs = {}, args = [], limits = LIMITS, maxOutputBytes = 1000, seed = '00'.repeat(32) } = world
  const files = Object.entries(inputs).map(([name, content]) => ({
    name,
    fd: ramFile(typeof content === 'string' ? content : joinItems(content)),
    items: typeof content === 'string' ? ('one' as const) : content.length,
  }))
  try {
    const compiled = compileModule(bytes, limits)
    const { output, fuelLeft } = executeModule(compiled, {
      args,
      inputs: files,
      maxOutputBytes,
      time: 1_700_000_000,
      seed,
    })
    return { output: Buffer.from(output).toString(), fuelLeft }
  } finally {
    for (const { fd } of files) closeSync(fd)
  }
}

/** The code of what it throws, with the rule where there is one; undefined where it throws nothing. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    const { code, found } = error as { code?: string; found?: string }
    return code === 'ROOM_WASM_INVALID' ? found?.split(':')[0] : (code ?? String(error))
  }
}

/** Functions of WASI that programs of tests call, by their number. */
export const WASI: readonly (readonly [string, Signature])[] = [
  ['path_open', { params: [I32, I32, I32, I32, I32, I64, I64, I32, I32], results: [I32] }],
  ['fd_read', { params: [I32, I32, I32, I32], results: [I32] }],
  ['fd_write', { params: [I32, I32, I32, I32], results: [I32] }],
  ['proc_exit', { params: [I32] }],
  ['random_get', { params: [I32, I32], results: [I32] }],
  ['fd_readdir', { params: [I32, I32, I32, I64, I32], results: [I32] }],
]
const PATH_OPEN = 0
const FD_READ = 1
const FD_WRITE = 2
export const PROC_EXIT = 3
export const RANDOM_GET = 4

const RIGHTS = { read: 1 << 1, write: 1 << 6 }
/** Where a program has its vector, and the answers of calls. */
const VECTOR = 1024
const DONE = 1032
const BUFFER = 4096

/** Data that lie at an address from the start. */
export function dataAt(address: number, text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)]
  return [0, ...i32(address), 0x0b, ...unsigned(bytes.length), ...bytes]
}

/** Opens a path that lies in memory; its descriptor goes to `to`. A call that fails traps. */
export function open(path: number, length: number, to: number, mode: keyof typeof RIGHTS): number[] {
  return orTrap([
    ...[i32(3), i32(0), i32(path), i32(length), i32(0)].flat(),
    ...[i64(RIGHTS[mode]), i64(0), i32(0), i32(to)].flat(),
    ...call(PATH_OPEN),
  ])
}

/** Writes so many bytes of memory to the descriptor that lies at `descriptor`. */
export function write(descriptor: number, pointer: readonly number[], length: readonly number[]): number[] {
  return orTrap([
    ...[i32(VECTOR), pointer, store(), i32(VECTOR), length, store(4)].flat(),
    ...[i32(descriptor), load(), i32(VECTOR), i32(1), i32(DONE)].flat(),
    ...call(FD_WRITE),
  ])
}

function orTrap(code: readonly number[]): number[] {
  return [...code, 0x04, 0x40, 0x00, 0x0b]
}

/** Copies `/in/people` to `/out`. */
export const COPY: Uint8Array<ArrayBuffer> = program(
  [
    ...open(0, 9, 1040, 'read'),
    ...open(16, 3, 1044, 'write'),
    ...block(
      loop(
        [i32(VECTOR), i32(BUFFER), store(), i32(VECTOR), i32(7), store(4)].flat(),
        orTrap([...[i32(1040), load(), i32(VECTOR), i32(1), i32(DONE)].flat(), ...call(FD_READ)]),
        [i32(DONE), load(), [0x22, 0], [0x45], branchIf(1)].flat(),
        write(1044, i32(BUFFER), get(0)),
        branch(0),
      ),
    ),
  ],
  { imports: WASI, locals: [[1, I32]], data: [dataAt(0, 'in/people'), dataAt(16, 'out')], dataCount: 2 },
)

/** A program that writes what lies from `BUFFER` on to `/out`, once `code` has run. */
export function writing(
  code: readonly number[],
  length: number,
  over: ModuleSource = {},
): Uint8Array<ArrayBuffer> {
  return program([...code, ...open(16, 3, 1044, 'write'), ...write(1044, i32(BUFFER), i32(length))], {
    imports: WASI,
    data: [dataAt(16, 'out')],
    ...over,
  })
}

export { assemble, BUFFER, DROP }
