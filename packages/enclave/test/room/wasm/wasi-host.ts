import {
  Descriptors,
  directoryOf,
  directoryOfItems,
  fileOf,
  findItems,
  GuestMemory,
  OutputFile,
  RandomStream,
  wasiImports,
  type WasiNode,
} from '../../../src/room/wasm/wasi/index.ts'
import { WASI_FUNCTIONS, type WasiFunctionName } from '../../../src/room/wasm/wasi/signatures.ts'
import { ramFile } from '../sql/engine.ts'
import { joinItems } from './programs.ts'

export const TIME = 1_700_000_000_123_456_789n
/** Where answers are written. */
export const RESULT = 512
const PATH = 1024
const VECTORS = 2048
export const BUFFER = 8192

/** The functions of WASI, called as a module would call them: over a memory, with numbers. */
export class WasiHost {
  readonly memory = new WebAssembly.Memory({ initial: 2 })
  readonly output: OutputFile
  paid = 0
  private readonly functions: Record<string, (...values: never[]) => number>

  constructor(options: { maxOutputBytes?: number; args?: readonly string[]; seed?: number } = {}) {
    const { maxOutputBytes = 100, args = [], seed = 0 } = options
    this.output = new OutputFile(3n, maxOutputBytes)
    const people = ramFile('id,name\n1,a\n')
    const texts = ramFile(joinItems(['first', '', 'third one']))
    const inputs = directoryOf(
      2n,
      new Map<string, WasiNode>([
        ['people', fileOf(4n, people, 0, 12)],
        ['texts', directoryOfItems(5n, texts, findItems(texts, 26, 3))],
      ]),
    )
    const root = directoryOf(
      1n,
      new Map<string, WasiNode>([
        ['in', inputs],
        ['out', this.output],
      ]),
    )
    this.functions = wasiImports(WASI_FUNCTIONS, () => ({
      memory: new GuestMemory(this.memory),
      descriptors: new Descriptors(root),
      args: args.map((arg) => Buffer.from(arg)),
      time: TIME,
      random: new RandomStream(new Uint8Array(32).fill(seed)),
      pay: (instructions) => {
        this.paid += instructions
      },
    }))
  }

  call(name: WasiFunctionName, ...values: (number | bigint)[]): number {
    return this.functions[name]!(...(values as never[]))
  }

  get view(): DataView {
    return new DataView(this.memory.buffer)
  }

  u32(at: number = RESULT): number {
    return this.view.getUint32(at, true)
  }

  u64(at: number = RESULT): bigint {
    return this.view.getBigUint64(at, true)
  }

  bytes(at: number, length: number): Buffer {
    return Buffer.from(this.memory.buffer, at, length)
  }

  /** Writes a path, and answers where and how long it is. */
  path(path: string | Uint8Array): [number, number] {
    const bytes = Buffer.from(path)
    bytes.copy(this.bytes(PATH, 8192 - PATH))
    return [PATH, bytes.length]
  }

  open(
    path: string | Uint8Array,
    {
      from = 3,
      flags = 0,
      rights = 2n,
      mode = 0,
    }: { from?: number; flags?: number; rights?: bigint; mode?: number } = {},
  ): number {
    return this.call('path_open', from, 1, ...this.path(path), flags, rights, 0n, mode, RESULT)
  }

  /** Opens what has to be there. */
  descriptor(path: string, options?: Parameters<WasiHost['open']>[1]): number {
    const errno = this.open(path, options)
    if (errno !== 0) throw new Error(`errno ${errno}`)
    return this.u32()
  }

  /** Makes a list of vectors, and answers where it is and how many there are. */
  vectors(...vectors: (readonly [pointer: number, length: number])[]): [number, number] {
    for (const [at, [pointer, length]] of vectors.entries()) {
      this.view.setUint32(VECTORS + at * 8, pointer, true)
      this.view.setUint32(VECTORS + at * 8 + 4, length, true)
    }
    return [VECTORS, vectors.length]
  }

  /** All that is left to read. */
  readAll(fd: number): string {
    let text = ''
    for (;;) {
      const errno = this.call('fd_read', fd, ...this.vectors([BUFFER, 3], [BUFFER + 3, 4]), RESULT)
      if (errno !== 0) throw new Error(`errno ${errno}`)
      const length = this.u32()
      if (length === 0) return text
      text += this.bytes(BUFFER, length).toString()
    }
  }

  write(fd: number, text: string): number {
    Buffer.from(text).copy(this.bytes(BUFFER, 10_000))
    return this.call('fd_write', fd, ...this.vectors([BUFFER, text.length]), RESULT)
  }
}
