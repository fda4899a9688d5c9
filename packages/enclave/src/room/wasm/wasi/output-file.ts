import { FIRST_BYTES } from '../../../ram/growing-bytes.ts'
import { roomWasmError } from '../errors.ts'
import type { WasiFile } from './files.ts'

/** The one file that a module writes, in memory. */
export class OutputFile implements WasiFile {
  readonly kind = 'file'
  readonly inode: bigint
  private readonly maxBytes: number
  private buffer = new ArrayBuffer(0)
  private filled = 0

  constructor(inode: bigint, maxBytes: number) {
    this.inode = inode
    this.maxBytes = maxBytes
  }

  get size(): number {
    return this.filled
  }

  read(position: number, into: Uint8Array): number {
    const piece = this.bytes().subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }

  /** What lies between the end and `position` is zeros. @throws `ROOM_WASM_TOO_LARGE` which ends the run: nothing is cut */
  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const end = position + bytes.length
    if (end > this.filled) this.resize(end)
    new Uint8Array(this.buffer).set(bytes, position)
  }

  /** @throws `ROOM_WASM_TOO_LARGE` */
  resize(size: number): void {
    if (size > this.maxBytes)
      throw roomWasmError('ROOM_WASM_TOO_LARGE', { expected: `at most ${this.maxBytes} bytes` })
    if (size > this.buffer.byteLength)
      this.buffer = this.buffer.transfer(
        Math.min(this.maxBytes, Math.max(size, 2 * this.buffer.byteLength, FIRST_BYTES)),
      )
    // What was cut off does not come back.
    if (size < this.filled) new Uint8Array(this.buffer, size, this.filled - size).fill(0)
    this.filled = size
  }

  /** All of it, not copied. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, 0, this.filled)
  }
}
