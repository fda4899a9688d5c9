import { SottoError } from '../errors/index.ts'
import type { TarErrorCode } from './errors.ts'

/** Bytes of a header; contents are filled up to a multiple of it. */
export const TAR_BLOCK = 512

/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK)

/** 8 GiB less one byte: what eleven octal digits hold. */
const MAX_SIZE = 8 ** 11 - 1
/** Bytes of the two fields that hold a path: its end, and with a separator between them its start. */
const NAME = 100
const PREFIX = 155
const MAX_PATH = PREFIX + 1 + NAME

/** Relative, printable ASCII, no empty segment, no `.` or `..`. */
const SAFE_PATH = /^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[\x20-\x7e]+$/

/** What a header says of an entry. */
export interface TarHeader {
  /** Relative path with `/`, printable ASCII, without an empty, `.` or `..` segment, and without a `/` at its end. */
  path: string
  /** Permission bits, at most 0o777. */
  mode: number
  /** Bytes of content that follow, at most 8 GiB less one; 0 for a directory. */
  size: number
  /** The entry is a directory. */
  directory?: true
}

/**
 * The header of one entry (POSIX.1-1988 ustar): 512 bytes that depend on nothing but what is given. Owner and group
 * are 0 and have no names, the time is 0. For writers that stream: header, content, {@link tarPadding} for every
 * entry, and {@link TAR_END} once.
 *
 * @throws `TAR_ENTRY` (fix-input) for a path, mode or size that the format cannot hold
 */
export function encodeTarHeader({ path, mode, size, directory }: TarHeader): Uint8Array {
  if (path.length > MAX_PATH) throw unfit('a path is too long for an archive')
  if (!isSafePath(path)) throw unfit('a path is empty, absolute, climbing or unprintable')
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw unfit(`the mode of ${path} is none`)
  if (!Number.isSafeInteger(size) || size < 0) throw unfit(`the size of ${path} is none`)
  if (size > MAX_SIZE) throw unfit(`${path} is too large for an archive`)
  if (directory && size !== 0) throw unfit(`${path} is a directory with content`)
  const { prefix, name } = splitPath(directory ? `${path}/` : path)
  const header = new Uint8Array(TAR_BLOCK)
  const write = (text: string, at: number): void => {
    for (let i = 0; i < text.length; i++) header[at + i] = text.charCodeAt(i)
  }
  write(name, 0)
  write(octal(mode, 7), 100)
  write(octal(0, 7), 108)
  write(octal(0, 7), 116)
  write(octal(size, 11), 124)
  write(octal(0, 11), 136)
  write(directory ? '5' : '0', 156)
  write('ustar\x0000', 257)
  write(prefix, 345)
  write(`${octal(tarChecksum(header), 6)} `, CHECKSUM)
  return header
}

/** The empty bytes, fewer than 512, that follow a content of this size. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK)
}

const CHECKSUM = 148

/** The sum of a header's bytes, where those of the sum itself count as eight spaces. */
export function tarChecksum(header: Uint8Array): number {
  let sum = 8 * 0x20
  for (let i = 0; i < header.length; i++) if (i < CHECKSUM || i >= CHECKSUM + 8) sum += header[i]!
  return sum
}

/** Whether a path is relative and stays below the folder it is unpacked in. */
export function isSafePath(path: string): boolean {
  return path.length <= MAX_PATH && SAFE_PATH.test(path)
}

/** An entry that an archive cannot hold. */
export function unfit(message: string): SottoError<TarErrorCode> {
  return new SottoError<TarErrorCode>('TAR_ENTRY', 'fix-input', message)
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`
}

/** A long path is split at the first separator that leaves no more than the name's field behind it. */
function splitPath(path: string): { prefix: string; name: string } {
  if (path.length <= NAME) return { prefix: '', name: path }
  const at = path.indexOf('/', path.length - NAME - 1)
  if (at < 1 || at > PREFIX || at === path.length - 1) throw unfit(`${path} is too long for an archive`)
  return { prefix: path.slice(0, at), name: path.slice(at + 1) }
}
