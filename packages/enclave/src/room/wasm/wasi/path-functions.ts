import type { WasiContext, WasiFunctions } from './context.ts'
import { type OpenNode, ROOT_DESCRIPTOR } from './descriptors.ts'
import { ERRNO, ensure, WasiError } from './errno.ts'
import { FLAG_APPEND } from './file-functions.ts'
import type { WasiNode } from './files.ts'
import { findPath } from './paths.ts'

/** Bits of `oflags`. */
const OPEN = { create: 1, directory: 2, exclusive: 4, truncate: 8 }
/** Bits of `rights`. */
const RIGHTS = { read: 1n << 1n, seek: 1n << 2n, tell: 1n << 5n, write: 1n << 6n, all: (1n << 30n) - 1n }
/** `filetype` of each. */
const FILE_TYPES = { null: 2, directory: 3, file: 4 } as const
/** Bytes of a `dirent` before its name. */
const ENTRY_BYTES = 24
/** Instructions that one entry of a directory costs. */
const ENTRY_COST = 100
const ROOT_NAME = Buffer.from('/')

/** Functions that find files, and say what they are. */
export function pathFunctions({ memory, descriptors, pay, time }: WasiContext): WasiFunctions {
  function find(fd: number, pointer: number, length: number): WasiNode | undefined {
    const from = descriptors.directory(fd)
    pay(length >>> 0)
    return findPath(from, memory.bytes(pointer, length))
  }

  function writeStat(pointer: number, node: WasiNode): void {
    const stat = memory.view(pointer, 64)
    stat.setBigUint64(0, 1n, true)
    stat.setBigUint64(8, node.inode, true)
    stat.setBigUint64(16, BigInt(FILE_TYPES[node.kind]), true)
    stat.setBigUint64(24, 1n, true)
    stat.setBigUint64(32, node.kind === 'file' ? BigInt(node.size) : 0n, true)
    for (const at of [40, 48, 56]) stat.setBigUint64(at, time, true)
  }

  return {
    path_open(
      fd: number,
      _lookup: number,
      pointer: number,
      length: number,
      flags: number,
      rights: bigint,
      _inherited: bigint,
      mode: number,
      result: number,
    ): void {
      // Before anything is opened or cut.
      memory.setU32(result, 0)
      const node = find(fd, pointer, length)
      if (node === undefined) throw new WasiError((flags & OPEN.create) !== 0 ? ERRNO.rofs : ERRNO.noent)
      ensure((flags & OPEN.exclusive) === 0 || (flags & OPEN.create) === 0, ERRNO.exist)
      ensure((flags & OPEN.directory) === 0 || node.kind === 'directory', ERRNO.notdir)
      const cuts = (flags & OPEN.truncate) !== 0
      const writes = node.kind === 'file' && (cuts || (rights & RIGHTS.write) !== 0n)
      ensure(!cuts || node.kind === 'file', ERRNO.isdir)
      ensure(!writes || (node.kind === 'file' && node.write !== undefined), ERRNO.rofs)
      const opened = descriptors.add(node, {
        canRead: (rights & RIGHTS.read) !== 0n,
        canWrite: writes,
        appends: (mode & FLAG_APPEND) !== 0,
      })
      if (cuts && node.kind === 'file') node.resize?.(0)
      memory.setU32(result, opened)
    },

    path_filestat_get(fd: number, _lookup: number, pointer: number, length: number, result: number): void {
      const node = find(fd, pointer, length)
      ensure(node !== undefined, ERRNO.noent)
      writeStat(result, node)
    },

    fd_filestat_get: (fd: number, result: number): void => writeStat(result, descriptors.get(fd).node),

    fd_fdstat_get(fd: number, result: number): void {
      const open = descriptors.get(fd)
      const stat = memory.view(result, 24)
      stat.setBigUint64(0, BigInt(FILE_TYPES[open.node.kind]), true)
      stat.setUint16(2, open.appends ? FLAG_APPEND : 0, true)
      stat.setBigUint64(8, rightsOf(open), true)
      stat.setBigUint64(16, open.node.kind === 'directory' ? RIGHTS.all : 0n, true)
    },

    fd_prestat_get(fd: number, result: number): void {
      requireRoot(fd)
      memory.setU64(result, BigInt(ROOT_NAME.length) << 32n)
    },

    fd_prestat_dir_name(fd: number, pointer: number, length: number): void {
      requireRoot(fd)
      ensure(length >>> 0 >= ROOT_NAME.length, ERRNO.nametoolong)
      memory.bytes(pointer, ROOT_NAME.length).set(ROOT_NAME)
    },

    /** Entries from `cookie` on; the last one is cut where the buffer ends, which says that there are more. */
    fd_readdir(fd: number, pointer: number, length: number, cookie: bigint, result: number): void {
      const directory = descriptors.directory(fd)
      const into = memory.bytes(pointer, length)
      let filled = 0
      for (let next = cookie; filled < into.length; next++) {
        if (next < 0n || next >= BigInt(directory.count)) break
        const entry = encodeEntry(directory.nameAt(Number(next)), next + 1n, (name) => directory.find(name))
        pay(ENTRY_COST)
        const piece = entry.subarray(0, into.length - filled)
        into.set(piece, filled)
        filled += piece.length
      }
      memory.setU32(result, filled)
    },

    path_readlink(fd: number, pointer: number, length: number): void {
      ensure(find(fd, pointer, length) !== undefined, ERRNO.noent)
      throw new WasiError(ERRNO.inval)
    },

    path_create_directory: refuse,
    path_filestat_set_times: refuse,
    path_link: refuse,
    path_remove_directory: refuse,
    path_rename: refuse,
    path_symlink: refuse,
    path_unlink_file: refuse,
  }

  function requireRoot(fd: number): void {
    ensure(fd === ROOT_DESCRIPTOR, ERRNO.badf)
    descriptors.directory(fd)
  }
}

function refuse(): never {
  throw new WasiError(ERRNO.rofs)
}

function rightsOf({ node, canRead, canWrite }: OpenNode): bigint {
  if (node.kind === 'directory') return RIGHTS.all
  // A stream that cannot be at a place is one of a terminal.
  const others = RIGHTS.all & ~(RIGHTS.read | RIGHTS.write)
  const seeks = node.kind === 'null' ? others & ~(RIGHTS.seek | RIGHTS.tell) : others
  return seeks | (canRead ? RIGHTS.read : 0n) | (canWrite ? RIGHTS.write : 0n)
}

function encodeEntry(name: string, next: bigint, find: (name: string) => WasiNode | undefined): Buffer {
  const node = find(name)!
  const bytes = Buffer.from(name)
  const entry = Buffer.alloc(ENTRY_BYTES + bytes.length)
  entry.writeBigUInt64LE(next, 0)
  entry.writeBigUInt64LE(node.inode, 8)
  entry.writeUInt32LE(bytes.length, 16)
  entry.writeUInt8(FILE_TYPES[node.kind], 20)
  entry.set(bytes, ENTRY_BYTES)
  return entry
}
