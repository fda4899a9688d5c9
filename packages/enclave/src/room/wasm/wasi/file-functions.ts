import { costOfBytes, type WasiContext, type WasiFunctions } from './context.ts'
import type { OpenNode } from './descriptors.ts'
import { ERRNO, ensure, WasiError } from './errno.ts'
import type { WasiFile } from './files.ts'

/** Bits of `fdflags`. */
export const FLAG_APPEND = 1
/** Positions are whole numbers that JavaScript counts exactly. */
const MAX_POSITION = BigInt(Number.MAX_SAFE_INTEGER)

/** Functions that read and write what is open. */
export function fileFunctions({ memory, descriptors, pay }: WasiContext): WasiFunctions {
  function read(file: OpenNode<WasiFile>, position: number, vectors: readonly Uint8Array[]): number {
    ensure(file.canRead, ERRNO.badf)
    let done = 0
    for (const into of vectors) {
      pay(costOfBytes(Math.min(into.length, Math.max(0, file.node.size - position - done))))
      const got = file.node.read(position + done, into)
      done += got
      if (got < into.length) break
    }
    return done
  }

  function write(file: OpenNode<WasiFile>, position: number, vectors: readonly Uint8Array[]): number {
    const { canWrite, node } = file
    ensure(canWrite && node.write !== undefined, ERRNO.badf)
    let done = 0
    for (const bytes of vectors) {
      pay(costOfBytes(bytes.length))
      node.write(position + done, bytes)
      done += bytes.length
    }
    return done
  }

  return {
    fd_read(fd: number, pointer: number, count: number, result: number): void {
      const open = descriptors.get(fd)
      const vectors = memory.vectors(pointer, count)
      if (open.node.kind === 'null') {
        ensure(open.canRead, ERRNO.badf)
        return memory.setU32(result, 0)
      }
      const file = descriptors.file(fd)
      const done = read(file, file.position, vectors)
      file.position += done
      memory.setU32(result, done)
    },

    fd_pread(fd: number, pointer: number, count: number, offset: bigint, result: number): void {
      memory.setU32(result, read(descriptors.file(fd), positionOf(offset), memory.vectors(pointer, count)))
    },

    fd_write(fd: number, pointer: number, count: number, result: number): void {
      const open = descriptors.get(fd)
      const vectors = memory.vectors(pointer, count)
      const length = vectors.reduce((sum, bytes) => sum + bytes.length, 0)
      ensure(length < 2 ** 32, ERRNO.inval)
      if (open.node.kind === 'null') {
        ensure(open.canWrite, ERRNO.badf)
        // Not kept, not shown, and paid for as if it were.
        pay(costOfBytes(length))
        return memory.setU32(result, length)
      }
      const file = descriptors.file(fd)
      const position = file.appends ? file.node.size : file.position
      const done = write(file, position, vectors)
      file.position = position + done
      memory.setU32(result, done)
    },

    fd_pwrite(fd: number, pointer: number, count: number, offset: bigint, result: number): void {
      const vectors = memory.vectors(pointer, count)
      memory.setU32(result, write(descriptors.file(fd), positionOf(offset), vectors))
    },

    fd_seek(fd: number, offset: bigint, whence: number, result: number): void {
      const file = descriptors.file(fd)
      const bases = [0, file.position, file.node.size]
      const base = bases[whence]
      ensure(base !== undefined, ERRNO.inval)
      const position = positionOf(BigInt(base) + offset)
      memory.setU64(result, BigInt(position))
      file.position = position
    },

    fd_tell(fd: number, result: number): void {
      memory.setU64(result, BigInt(descriptors.file(fd).position))
    },

    fd_filestat_set_size(fd: number, size: bigint): void {
      const { canWrite, node } = descriptors.file(fd)
      ensure(canWrite && node.resize !== undefined, ERRNO.badf)
      const to = positionOf(size)
      pay(costOfBytes(Math.abs(to - node.size)))
      node.resize(to)
    },

    fd_fdstat_set_flags(fd: number, flags: number): void {
      // The others say how to wait for a disk, and there is none.
      descriptors.get(fd).appends = (flags & FLAG_APPEND) !== 0
    },

    fd_close: (fd: number): void => descriptors.close(fd),
    fd_advise: (fd: number): void => void descriptors.file(fd),
    fd_sync: (fd: number): void => void descriptors.get(fd),
    fd_datasync: (fd: number): void => void descriptors.get(fd),

    fd_allocate: refuse,
    fd_renumber: refuse,
    fd_fdstat_set_rights: refuse,
    fd_filestat_set_times: refuse,
  }
}

function refuse(): never {
  throw new WasiError(ERRNO.nosys)
}

function positionOf(offset: bigint): number {
  ensure(offset >= 0n && offset <= MAX_POSITION, ERRNO.inval)
  return Number(offset)
}
