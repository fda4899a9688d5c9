import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'
import type { WantedFile } from './choose-files.ts'
import { hashListed, sha256IfListed } from './hash-listed.ts'
import type { Hub } from './hub.ts'
import { openPart, type PartFile } from './part-file.ts'

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

/** Connections in a row that may bring less than {@link PROGRESS_BYTES}. */
const MAX_ATTEMPTS = 5

/** A connection that brings as much was worth it: a hub that cuts a large file often is still a hub. */
const PROGRESS_BYTES = 1024 * 1024

/**
 * Fetches one file, going on where an earlier attempt ended, and verifies size and digest of the whole.
 *
 * @returns SHA-256 of its bytes, hexadecimal
 * @throws `CLI_HUB` cut too often (the bytes stay), `CLI_MODEL_DIGEST` (the bytes are removed), `CLI_FILE`
 */
export async function fetchFile(file: WantedFile, options: FetchFileOptions): Promise<string> {
  const { folder, signal, onBytes } = options
  const target = join(folder, file.name)
  const known = await sha256IfListed(target, file, signal)
  if (known !== undefined) {
    onBytes(file.size)
    return known
  }
  const part = await openPart(folder, file)
  try {
    try {
      await fetchInto(part, file, options)
      await part.sync()
    } finally {
      await part.close()
    }
    const hashed = await hashListed(part.path, file, signal)
    if (hashed?.isListed !== true) throw wrongBytes(file, hashed?.found)
    await part.moveTo(target)
    return hashed.sha256
  } catch (error) {
    const isWrong = error instanceof SottoError && error.code === 'CLI_MODEL_DIGEST'
    if (isWrong || (await isEmpty(part.path))) await part.remove()
    throw error
  }
}

/** Nothing to go on from. What is no file (a device) is left alone. */
async function isEmpty(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined)
  return there?.isFile() === true && there.size === 0
}

async function fetchInto(part: PartFile, file: WantedFile, options: FetchFileOptions): Promise<void> {
  const { signal, onBytes, pauseMs = 500 } = options
  let have = await part.size()
  if (have > file.size) {
    await part.empty()
    have = 0
  }
  onBytes(have)
  const count = (bytes: number): void => {
    have += bytes
    onBytes(bytes)
  }
  for (let attempt = 1; have < file.size; attempt++) {
    const before = have
    let failure: unknown
    try {
      await fetchRest(part, file, have, count, options)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof SottoError && error.code !== 'CLI_HUB') throw error
      failure = error
    }
    if (have >= file.size) return
    if (have - before >= PROGRESS_BYTES) attempt = 0
    if (attempt === MAX_ATTEMPTS) throw failure instanceof SottoError ? failure : cut(file, have, failure)
    await pause(attempt * pauseMs, undefined, { signal })
  }
}

/** One connection. The server decides what it sends: never more than the listed size is taken. */
async function fetchRest(
  part: PartFile,
  file: WantedFile,
  start: number,
  count: (bytes: number) => void,
  { hub, signal, stallMs = 60_000 }: FetchFileOptions,
): Promise<void> {
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(), stallMs)
  try {
    const etag = start > 0 ? await part.readEtag() : undefined
    const response = await hub.open(file.path, start, AbortSignal.any([signal, stalled.signal]), etag)
    timer.refresh()
    let tagging = Promise.resolve()
    try {
      let have = start
      if (start > 0 && !continues(response, start, file, etag)) {
        await part.empty()
        count(-start)
        have = 0
        if (response.status !== 200) throw cliError('CLI_HUB', 'the hub no longer has the rest of the file')
      }
      requireLength(response, file, file.size - have)
      // Beside the reading: what a cut connection has brought is lost with it unless it is read at once.
      if (have === 0) tagging = part.writeEtag(response.headers.get('etag'))
      tagging.catch(() => {})
      for await (const chunk of response.body ?? []) {
        timer.refresh()
        have += chunk.length
        if (have > file.size) throw otherLength(file, 'longer')
        await part.append(chunk)
        count(chunk.length)
      }
      await tagging
    } finally {
      // Nothing to cancel where all was read; and nothing of this connection may meet the next.
      await Promise.allSettled([tagging, response.body?.cancel()])
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Whether these are the bytes from `start` on of the file that was begun (RFC 9110, 14.4 and 13.1.5). */
function continues(response: Response, start: number, file: WantedFile, etag?: string): boolean {
  if (response.status !== 206) return false
  const found = response.headers.get('etag')
  if (etag !== undefined && found !== null && found !== etag) return false
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '')
  return Number(range?.[1]) === start && (range?.[2] === '*' || Number(range?.[2]) === file.size)
}

/** What is announced with another length need not be fetched first. */
function requireLength(response: Response, file: WantedFile, expected: number): void {
  const announced = response.headers.get('content-length')
  if (announced === null || response.headers.has('content-encoding')) return
  if (Number(announced) > expected) throw otherLength(file, 'longer')
  // A server may answer a range with a part of it.
  if (Number(announced) < expected && response.status === 200) throw otherLength(file, 'shorter')
}

function otherLength(file: WantedFile, how: 'longer' | 'shorter'): Error {
  return cliError('CLI_MODEL_DIGEST', `${file.path} is ${how} than listed; it was removed`, {
    expected: `${file.size} bytes`,
  })
}

function wrongBytes(file: WantedFile, found = 'nothing'): Error {
  const kind = file.digest.kind === 'git' ? 'git blob' : 'sha256'
  return cliError('CLI_MODEL_DIGEST', `${file.path} is not what is listed; it was removed`, {
    expected: `${kind} ${file.digest.hex}`,
    found: `${kind} ${found}`,
    hint: 'it changed on the way, or the revision moved meanwhile: pull again, best by a commit as @REVISION',
  })
}

function cut(file: WantedFile, have: number, cause?: unknown): Error {
  return cliError('CLI_HUB', `the connection was cut in ${file.path}`, {
    ...(cause !== undefined && { cause }),
    expected: `${file.size} bytes`,
    found: `${have} bytes`,
    hint: 'pull again: it goes on where it stopped',
  })
}
