import { closeSync, readSync, writeSync } from 'node:fs'
import type { WaitingFile, WaitingRoom } from '../api/index.ts'
import { openUnnamed } from './unnamed-file.ts'

/** Bounds of a {@link createWaitingRoom}: of all files together. */
export interface WaitingRoomOptions {
  maxFiles: number
  maxBytes: number
  /** A mounted tmpfs. Default `/dev/shm`. */
  directory?: string
}

/** What is read at once. */
const PIECE_BYTES = 65_536

/**
 * A waiting room of unnamed files in RAM: they are outside every heap, no other process can open them,
 * and they are gone with this process. Writing and reading copy memory, so nothing waits for a disk.
 *
 * @throws Error at once where `directory` cannot hold such files, rather than in the middle of an upload
 */
export function createWaitingRoom(options: WaitingRoomOptions): WaitingRoom & { readonly files: number } {
  const { maxFiles, maxBytes, directory = '/dev/shm' } = options
  closeSync(openUnnamed(directory))
  let files = 0
  let bytes = 0

  function open(): WaitingFile | undefined {
    if (files >= maxFiles) return undefined
    const fd = openUnnamed(directory)
    files++
    let size = 0
    let isOpen = true
    return {
      append(chunk) {
        if (!isOpen || bytes + chunk.length > maxBytes) return false
        const start = size
        bytes += chunk.length
        size += chunk.length
        try {
          for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at, chunk.length - at, start + at)
          return true
        } catch {
          // The RAM disk is smaller than the bound here: as full as it gets.
          return false
        }
      },
      read(position) {
        if (!isOpen) return new Uint8Array(0)
        const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, size - position)))
        return piece.subarray(0, readSync(fd, piece, 0, piece.length, position))
      },
      close() {
        if (!isOpen) return
        isOpen = false
        files--
        bytes -= size
        closeSync(fd)
      },
    }
  }
  return {
    open,
    get files() {
      return files
    },
  }
}
