import { constants } from 'node:fs'
import { access, mkdir, open, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { crypto } from '@sotto/protocol/crypto-backend'
import { collectError } from './errors.ts'

/** A character device that is written to and read from, one message at a time. */
export interface Device {
  /** In one `write(2)`; answers how many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>
  /** What one `read(2)` gives, at most `maxBytes`. */
  read(maxBytes: number): Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * What collectors use of a machine. Paths are absolute; a test gives another root, or a model of the
 * kernel. Errors of the system keep their `code`. Usable concurrently.
 */
export interface Machine {
  makeDirectory(path: string): Promise<void>
  removeDirectory(path: string): Promise<void>
  exists(path: string): Promise<boolean>
  /** The whole file. @throws `COLLECT_MALFORMED` when it is longer */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** An existing file, in one `write(2)`: attributes of the kernel take a value whole. */
  write(path: string, bytes: Uint8Array): Promise<void>
  open(path: string): Promise<Device>
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  /** @throws AbortError */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  random(bytes: number): Uint8Array
}

const CHUNK_BYTES = 65_536

/** The machine this process runs on. */
export function thisMachine(root: string = '/'): Machine {
  const at = (path: string): string => join(root, path)
  return {
    makeDirectory: (path) => mkdir(at(path)),
    removeDirectory: (path) => rmdir(at(path)),
    exists: (path) =>
      access(at(path)).then(
        () => true,
        () => false,
      ),
    read: (path, maxBytes) => readAll(at(path), maxBytes),
    write: (path, bytes) => writeOnce(at(path), bytes),
    open: (path) => openDevice(at(path)),
    now: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
    random: (bytes) => crypto.randomBytes(bytes),
  }
}

/** Reads to the end, whatever size the file claims: attributes of the kernel claim 4096 or nothing. */
async function readAll(path: string, maxBytes: number): Promise<Uint8Array> {
  await using file = await open(path, constants.O_RDONLY)
  const parts: Buffer[] = []
  let length = 0
  for (;;) {
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes - length + 1))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(parts, length))
    length += bytesRead
    if (length > maxBytes)
      throw collectError('COLLECT_MALFORMED', 'a file is longer than it may be', {
        expected: `at most ${maxBytes} bytes`,
        found: 'more',
      })
    parts.push(buffer.subarray(0, bytesRead))
  }
}

async function writeOnce(path: string, bytes: Uint8Array): Promise<void> {
  // Neither created nor truncated: what is not there already is no attribute.
  await using file = await open(path, constants.O_WRONLY)
  const { bytesWritten } = await file.write(bytes, 0, bytes.length)
  if (bytesWritten !== bytes.length)
    throw collectError('COLLECT_MALFORMED', 'a value was not taken whole', {
      expected: `${bytes.length} bytes`,
      found: `${bytesWritten}`,
    })
}

async function openDevice(path: string): Promise<Device> {
  const file = await open(path, constants.O_RDWR)
  return {
    write: async (bytes) => (await file.write(bytes, 0, bytes.length, null)).bytesWritten,
    read: async (maxBytes) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, null)
      return new Uint8Array(buffer.subarray(0, bytesRead))
    },
    close: () => file.close(),
  }
}
