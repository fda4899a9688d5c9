import { equalBytes } from '../bytes/index.ts'
import { SottoError } from '../errors/index.ts'
import type { TarErrorCode } from './errors.ts'
import { encodeTarHeader, isSafePath, TAR_BLOCK, TAR_END, tarChecksum } from './header.ts'
import type { TarFile } from './pack.ts'
import { pathsInOrder } from './paths.ts'

/** What whoever reads an archive allows. */
export interface TarLimits {
  maxFiles: number
  /** Bytes of all contents together. */
  maxBytes: number
}

/** Type flags of ustar and its extensions, as people call them: what somebody packed by mistake is named. */
const TYPES: Record<string, string> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a directory',
  '6': 'a pipe',
  g: 'an extended header',
  x: 'an extended header',
  L: 'a long name',
  K: 'a long link',
}

/**
 * The files of an archive that `packTar` wrote, in its order. One spelling is accepted and no other: of every header
 * the same 512 bytes are made again from what it says, so nothing that another tool would read differently gets
 * through. There are files only: no link, no directory, no device, no owner, no time. Every path is relative, occurs
 * once and stays below the folder it is unpacked in; no file lies where another has its folder.
 *
 * @param bytes from anybody. The contents returned are views of it, not copies
 * @throws `TAR_LIMIT` (fix-input) for more files or bytes than allowed, `TAR_MALFORMED` (fix-input) for anything that
 *   `packTar` does not write
 */
export function readTar(bytes: Uint8Array, limits: TarLimits): TarFile[] {
  const files: TarFile[] = []
  const follow = pathsInOrder()
  let total = 0
  let at = 0
  for (;;) {
    const block = bytes.subarray(at, at + TAR_BLOCK)
    if (block.length < TAR_BLOCK) throw malformed('it ends without its two empty blocks')
    if (isEmpty(block)) break
    if (files.length === limits.maxFiles) throw beyond(`at most ${limits.maxFiles} files`, 'more')
    const { path, mode, size } = readHeader(block, files.length)
    at += TAR_BLOCK
    total += size
    if (total > limits.maxBytes)
      throw beyond(`at most ${limits.maxBytes} bytes of content`, `${path} ends beyond`)
    const content = bytes.subarray(at, at + size)
    const end = at + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
    if (end > bytes.length) throw malformed(`it ends within ${path}`)
    if (!isEmpty(bytes.subarray(at + size, end))) throw malformed(`${path} is not filled up with empty bytes`)
    const conflict = follow(path, false)
    if (conflict !== undefined) throw malformed(conflict)
    files.push({ path, mode, bytes: content })
    at = end
  }
  if (!equalBytes(bytes.subarray(at), TAR_END)) throw malformed('more or less than two empty blocks end it')
  return files
}

/** @param index of the entry, to name one whose path cannot be printed */
function readHeader(header: Uint8Array, index: number): { path: string; mode: number; size: number } {
  const entry = `entry ${index + 1}`
  if (readOctal(header, 148, 6) !== tarChecksum(header)) throw malformed(`the checksum of ${entry} is wrong`)
  const type = textOf(header, 156, 1)
  if (type !== '0') throw malformed(`${entry} is ${TYPES[type] ?? 'of an unknown type'}`)
  const [prefix, name] = [textOf(header, 345, 155), textOf(header, 0, 100)]
  const path = prefix === '' ? name : `${prefix}/${name}`
  if (!isSafePath(path)) throw malformed(`the path of ${entry} is empty, absolute, climbing or unprintable`)
  const mode = readOctal(header, 100, 7)
  if (mode !== 0o644 && mode !== 0o755) throw malformed(`the mode of ${path} is not 644 or 755`)
  const size = readOctal(header, 124, 11)
  if (size === undefined) throw malformed(`the size of ${path} is no octal number of eleven digits`)
  // Owner, time, names, device numbers, how the path is split, bytes after a terminator: all at once.
  if (!equalBytes(encodeHeader(path, mode, size), header))
    throw malformed(`the header of ${path} has an owner, a time, or another spelling`)
  return { path, mode, size }
}

function encodeHeader(path: string, mode: number, size: number): Uint8Array {
  try {
    return encodeTarHeader({ path, mode, size })
  } catch (cause) {
    throw malformed(`the header of ${path} is none that can be written`, cause)
  }
}

/** Bytes of a field up to its terminator, one character each. */
function textOf(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return String.fromCharCode(...field.subarray(0, end === -1 ? length : end))
}

function readOctal(header: Uint8Array, at: number, digits: number): number | undefined {
  const text = textOf(header, at, digits)
  return text.length === digits && /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined
}

function isEmpty(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

function beyond(expected: string, found: string): SottoError<TarErrorCode> {
  return new SottoError<TarErrorCode>('TAR_LIMIT', 'fix-input', 'archive is larger than allowed', {
    expected,
    found,
  })
}

function malformed(found: string, cause?: unknown): SottoError<TarErrorCode> {
  return new SottoError<TarErrorCode>('TAR_MALFORMED', 'fix-input', 'archive is malformed', {
    expected: 'what packTar writes',
    found,
    ...(cause !== undefined && { cause }),
  })
}
