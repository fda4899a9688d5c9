import { ERRNO, ensure } from './errno.ts'

/** Vectors of one call at most (`IOV_MAX` of Linux). */
const MAX_VECTORS = 1024

/**
 * The memory of a module. Every pointer and length comes from the module: each is read as 32 unsigned bits, and what does not
 * lie within the memory fails with `fault`. Views are of one call only: the memory moves when it grows.
 */
export class GuestMemory {
  private readonly memory: WebAssembly.Memory

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory
  }

  /** So many bytes of it. @throws `WasiError` */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = pointer >>> 0
    const size = length >>> 0
    const buffer = this.memory.buffer as ArrayBuffer
    ensure(start + size <= buffer.byteLength, ERRNO.fault)
    return new Uint8Array(buffer, start, size)
  }

  /** So many bytes of it, for numbers. @throws `WasiError` */
  view(pointer: number, length: number): DataView {
    const { buffer, byteOffset } = this.bytes(pointer, length)
    return new DataView(buffer, byteOffset, length)
  }

  /** What a list of pointers and lengths names, all of it within the memory. @throws `WasiError` */
  vectors(pointer: number, count: number): Uint8Array<ArrayBuffer>[] {
    const vectors = count >>> 0
    ensure(vectors <= MAX_VECTORS, ERRNO.inval)
    const list = this.view(pointer, vectors * 8)
    return Array.from({ length: vectors }, (_, at) =>
      this.bytes(list.getUint32(at * 8, true), list.getUint32(at * 8 + 4, true)),
    )
  }

  setU32(pointer: number, value: number): void {
    this.view(pointer, 4).setUint32(0, value, true)
  }

  setU64(pointer: number, value: bigint): void {
    this.view(pointer, 8).setBigUint64(0, value, true)
  }
}
