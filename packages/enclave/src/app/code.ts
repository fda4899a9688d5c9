import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'
import { readTar } from '@sotto/protocol/tar'
import { openUnnamed } from '../ram/unnamed-file.ts'
import type { AppConfig } from './config.ts'
import { readContent } from './content.ts'
import { appError } from './errors.ts'
import { MAX_ARCHIVE_BYTES, MAX_CODE_BYTES, MAX_FILES, MAX_FOLDERS } from './limits.ts'
import { readWhole } from './read-at.ts'

/** The archive of an app, in memory: it has no name, and vanishes with this process. */
export interface AppCode {
  /** Read-only descriptor. */
  readonly fd: number
  readonly bytes: number
  close(): void
}

/**
 * Reads the code of an app into a RAM file and compares it with what was measured. Nothing of it is written to a disk; it is
 * unpacked where only the app sees it.
 *
 * @param ramDirectory a mounted tmpfs. Default `/dev/shm`
 * @throws `APP_CODE_UNREADABLE`, `APP_CODE_OTHER`, `APP_CODE_MALFORMED`, `SEALED_MALFORMED`, `SEALED_KEY`,
 * `SEALED_TAMPERED`; `APP_START_FAILED` where there is no RAM disk
 */
export async function openCode(
  { directory, code }: Pick<AppConfig, 'directory' | 'code'>,
  contentKeys: ReadonlyMap<string, Uint8Array>,
  ramDirectory = '/dev/shm',
): Promise<AppCode> {
  const { artifact } = code
  const file = {
    path: join(directory, code.file),
    ...(artifact !== undefined && { sealed: { artifact, contentKey: contentKeys.get(artifact)! } }),
  }
  const writable = openRam(ramDirectory)
  try {
    const found = await copyInto(writable, file)
    if (found !== code.sha256)
      throw appError('APP_CODE_OTHER', 'the code is not the one that the configuration names', {
        expected: code.sha256,
        found,
      })
    requireUnpackable(writable, artifact !== undefined)
    const fd = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
    return { fd, bytes: fstatSync(fd).size, close: () => closeSync(fd) }
  } finally {
    closeSync(writable)
  }
}

/** SHA-256 of what was copied, lower-case hexadecimal. */
async function copyInto(fd: number, file: Parameters<typeof readContent>[0]): Promise<string> {
  const hash = createHash('sha256')
  const unreadable = (found: string, cause?: unknown): Error =>
    appError('APP_CODE_UNREADABLE', 'the code of the app cannot be read', {
      expected: `a file with at most ${MAX_ARCHIVE_BYTES} bytes of code`,
      found,
      cause,
    })
  for await (const piece of readContent(file, MAX_ARCHIVE_BYTES, unreadable)) {
    hash.update(piece)
    for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at)
    if (file.sealed) piece.fill(0)
  }
  return hash.digest('hex')
}

/** Here, where it can be said why; what unpacks it later says nothing. */
function requireUnpackable(fd: number, isSealed: boolean): void {
  const malformed = (details: SottoErrorOptions): Error =>
    appError('APP_CODE_MALFORMED', 'the code is no archive that can be unpacked', {
      ...details,
      hint: 'pack it with sotto deploy, or with packTar of @sotto/protocol/tar',
    })
  const folders = countFolders(entriesOf(fd, isSealed, malformed).map(({ path }) => path))
  if (folders > MAX_FOLDERS)
    throw malformed({ expected: `at most ${MAX_FOLDERS} folders`, found: `${folders} folders` })
}

function entriesOf(
  fd: number,
  isSealed: boolean,
  malformed: (details: SottoErrorOptions) => Error,
): ReturnType<typeof readTar> {
  try {
    return readTar(readWhole(fd), { maxFiles: MAX_FILES, maxBytes: MAX_CODE_BYTES })
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    const { expected, found } = cause
    throw malformed({
      ...(expected !== undefined && { expected }),
      // The names of its files are sealed where it is.
      ...(found !== undefined && !isSealed && { found }),
    })
  }
}

/** Folders that unpacking makes. An archive is sorted, so what lies in one folder stands together. */
function countFolders(paths: readonly string[]): number {
  let count = 0
  let before: string[] = []
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1)
    const shared = folders.findIndex((name, depth) => name !== before[depth])
    if (shared >= 0) count += folders.length - shared
    before = folders
  }
  return count
}

function openRam(directory: string): number {
  try {
    return openUnnamed(directory)
  } catch (cause) {
    throw appError('APP_START_FAILED', 'cannot create an unnamed file in RAM', {
      cause,
      hint: `mount a tmpfs that this process may write at ${directory}`,
    })
  }
}
