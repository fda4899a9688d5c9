import { readSync } from 'node:fs'
import type { ItemRange } from './items.ts'

/** A file of the module. */
export interface WasiFile {
  readonly kind: 'file'
  readonly inode: bigint
  readonly size: number
  /** Fills `into` from there on, as far as there is something. @returns how much */
  read(position: number, into: Uint8Array): number
  /** Absent where nothing writes. */
  readonly write?: (position: number, bytes: Uint8Array) => void
  readonly resize?: (size: number) => void
}

/** A directory of the module. Its entries have an order, which never changes. */
export interface WasiDirectory {
  readonly kind: 'directory'
  readonly inode: bigint
  readonly count: number
  nameAt(index: number): string
  find(name: string): WasiNode | undefined
}

/** What a program has as its standard input, output and error: nothing comes, and what goes there is gone. */
export interface WasiNull {
  readonly kind: 'null'
  readonly inode: bigint
}

export type WasiNode = WasiFile | WasiDirectory | WasiNull

/** A directory of a few things. */
export function directoryOf(inode: bigint, entries: ReadonlyMap<string, WasiNode>): WasiDirectory {
  const names = [...entries.keys()]
  return {
    kind: 'directory',
    inode,
    count: names.length,
    nameAt: (index) => names[index]!,
    find: (name) => entries.get(name),
  }
}

/** Items of an input: `0`, `1` and so on. Their files are made when they are asked for. */
export function directoryOfItems(inode: bigint, fd: number, items: ItemRange): WasiDirectory {
  return {
    kind: 'directory',
    inode,
    count: items.count,
    nameAt: (index) => `${index}`,
    find(name) {
      // No other spelling of a number is a name.
      if (!/^(?:0|[1-9][0-9]{0,6})$/.test(name)) return undefined
      const index = Number(name)
      if (index >= items.count) return undefined
      return fileOf(inode * 2n ** 32n + BigInt(index), fd, items.startOf(index), items.lengthOf(index))
    },
  }
}

/** Bytes of one read at most: the system takes no more than 2^31. */
const MAX_READ_BYTES = 2 ** 30

/** Part of a RAM file, read straight into where it is asked for. */
export function fileOf(inode: bigint, fd: number, start: number, size: number): WasiFile {
  return {
    kind: 'file',
    inode,
    size,
    read(position, into) {
      const wanted = Math.min(into.length, Math.max(0, size - position))
      let done = 0
      while (done < wanted) {
        const read = readSync(
          fd,
          into,
          done,
          Math.min(wanted - done, MAX_READ_BYTES),
          start + position + done,
        )
        if (read === 0) break
        done += read
      }
      return done
    },
  }
}
