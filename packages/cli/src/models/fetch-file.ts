import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'
import type { WantedFile } from './choose-files.ts'
import type { Hub, HubFile } from './hub.ts'

/** Where a file comes from and goes to. */
export interface FetchFileOptions {
  hub: Hub
  /** What is fetched goes here: under its name when it is whole and verified, in a part file before. */
  folder: string
  signal: AbortSignal
  /** Bytes that are here now, those of an earlier attempt included; negative when they were worthless. */
  onBytes(bytes: number): void
  /** Milliseconds without a byte after which a connection counts as cut. Default 60,000. */
  stallMs?: number
  /** Milliseconds between attempts, times the number of the attempt. Default 500. */
  pauseMs?: number
}

/** Connections for one file at most. */
const MAX_ATTEMPTS = 5

/** Name of the file that collects the bytes; bound to their digest, so that other bytes never mix in. */
export function partName(file: Pick<HubFile, 'digest'>): string {
  return `.${file.digest.hex.slice(0, 32)}.part`
}

/**
 * Fetches one file, going on where an earlier attempt ended, and verifies size and digest.
 *
 * @returns SHA-256 of its bytes, hexadecimal
 * @throws `CLI_HUB` cut too often (the bytes stay), `CLI_MODEL_DIGEST` (the bytes are removed), `CLI_FILE`
 */
export async function fetchFile(file: WantedFile, options: FetchFileOptions): Promise<string> {
  const { folder, signal, onBytes } = options
  const target = join(folder, file.name)
  const known = await sha256IfIntact(target, file, signal)
  if (known !== undefined) {
    onBytes(file.size)
    return known
  }
  const part = join(folder, partName(file))
  const handle = await orDiskError(open(part, 'a+', 0o600))
  try {
    await fetchInto(handle, file, options)
    await orDiskError(handle.datasync())
  } finally {
    await handle.close()
  }
  const sha256 = await sha256IfIntact(part, file, signal)
  if (sha256 === undefined) {
    await rm(part, { force: true })
    throw cliError('CLI_MODEL_DIGEST', `${file.path} is not what the hub lists; it was removed`, {
      expected: `${file.digest.kind === 'git' ? 'git blob' : 'sha256'} ${file.digest.hex}`,
      hint: 'it changed on the way, or the revision moved meanwhile: pull again, best by a commit as @REVISION',
    })
  }
  await rename(part, target)
  return sha256
}

/** SHA-256 of a file when size and digest are those listed; undefined when they differ or it is not there. */
export async function sha256IfIntact(
  path: string,
  { size, digest }: Pick<HubFile, 'size' | 'digest'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found?.size !== size) return undefined
  const sha256 = createHash('sha256')
  // The id git gives a blob. SHA-1 is no proof of authenticity; it notices bytes that changed by accident.
  const git: Hash = createHash('sha1').update(`blob ${size}\0`)
  for await (const chunk of createReadStream(path, {
    signal,
    highWaterMark: 1 << 20,
  }) as AsyncIterable<Buffer>) {
    sha256.update(chunk)
    if (digest.kind === 'git') git.update(chunk)
  }
  const hex = sha256.digest('hex')
  return (digest.kind === 'git' ? git.digest('hex') : hex) === digest.hex ? hex : undefined
}

async function fetchInto(handle: FileHandle, file: WantedFile, options: FetchFileOptions): Promise<void> {
  const { signal, onBytes, pauseMs = 500 } = options
  let have = (await handle.stat()).size
  if (have > file.size) {
    await handle.truncate(0)
    have = 0
  }
  onBytes(have)
  for (let attempt = 1; have < file.size; attempt++) {
    const count = (bytes: number): void => {
      have += bytes
      onBytes(bytes)
    }
    try {
      await fetchRest(handle, file, have, count, options)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof SottoError && error.code !== 'CLI_HUB') throw error
      if (attempt < MAX_ATTEMPTS) await pause(attempt * pauseMs, undefined, { signal })
      else if (error instanceof SottoError) throw error
      else throw cut(file, have, error)
      continue
    }
    if (have < file.size && attempt === MAX_ATTEMPTS) throw cut(file, have)
  }
}

/** One connection. The server decides what it sends: never more than the listed size is taken. */
async function fetchRest(
  handle: FileHandle,
  file: WantedFile,
  start: number,
  count: (bytes: number) => void,
  { hub, signal, stallMs = 60_000 }: FetchFileOptions,
): Promise<void> {
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(), stallMs)
  try {
    const response = await hub.open(file.path, start, AbortSignal.any([signal, stalled.signal]))
    let have = start
    if (start > 0 && response.status !== 206) {
      await handle.truncate(0)
      count(-start)
      have = 0
    } else if (start > 0 && !response.headers.get('content-range')?.startsWith(`bytes ${start}-`)) {
      await response.body?.cancel()
      throw cliError('CLI_HUB', 'the hub answered with another part of the file than it was asked for')
    }
    for await (const chunk of response.body ?? []) {
      timer.refresh()
      have += chunk.length
      if (have > file.size)
        throw cliError('CLI_MODEL_DIGEST', `${file.path} is longer than the hub lists`, {
          expected: `${file.size} bytes`,
        })
      await orDiskError(append(handle, chunk))
      count(chunk.length)
    }
  } finally {
    clearTimeout(timer)
  }
}

async function append(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
}

function cut(file: WantedFile, have: number, cause?: unknown): Error {
  return cliError('CLI_HUB', `the connection was cut in ${file.path}`, {
    ...(cause !== undefined && { cause }),
    expected: `${file.size} bytes`,
    found: `${have} bytes`,
    hint: 'pull again: it goes on where it stopped',
  })
}

async function orDiskError<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (cause) {
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    throw cliError('CLI_FILE', full ? 'the disk is full' : 'cannot write the model', {
      cause,
      hint: full
        ? 'make room and pull again: it goes on where it stopped'
        : 'choose another folder with --dir',
    })
  }
}
