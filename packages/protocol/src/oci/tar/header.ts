import { tarChecksum } from '../../tar/header.ts'
import { ociError } from '../errors.ts'
import { fromLatin1 } from './latin1.ts'
import { parseField, parseNumeric, parseOctal, requireRange, type TarTime } from './numbers.ts'

/** What one block of a tar says, before extended headers. Paths have one character per byte. */
export interface TarHeader {
  path: string
  link: string
  /** `typeflag`, one character. */
  type: string
  /** The twelve bits of permissions. */
  mode: number
  uid: number
  gid: number
  size: number
  mtime: TarTime
  atime: TarTime | undefined
  ctime: TarTime | undefined
  major: number
  minor: number
}

/** The largest size that a number holds exactly. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER
const MAX_ID = 0xffffffff

/**
 * Parses a header of the dialects that layers are written in: ustar, pax and GNU, and the older one without a mark.
 * Untrusted: whoever made the layer decides about every byte.
 * @throws `IMAGE_INVALID` for a wrong checksum or number, `IMAGE_UNSUPPORTED` for other dialects
 */
export function parseTarHeader(block: Uint8Array): TarHeader {
  requireChecksum(block)
  const number = (offset: number, length: number, what: string): bigint =>
    parseNumeric(block.subarray(offset, offset + length), what)
  const text = (offset: number, length: number): string => parseField(block.subarray(offset, offset + length))
  const time = (offset: number, what: string): TarTime => ({
    seconds: number(offset, 12, what),
    nanoseconds: 0,
  })
  const header: TarHeader = {
    path: text(0, 100),
    mode: Number(BigInt.asUintN(12, number(100, 8, 'mode'))),
    uid: requireRange(number(108, 8, 'uid'), MAX_ID, 'uid'),
    gid: requireRange(number(116, 8, 'gid'), MAX_ID, 'gid'),
    size: requireRange(number(124, 12, 'size'), MAX_SIZE, 'size'),
    mtime: time(136, 'mtime'),
    type: String.fromCharCode(block[156] ?? 0),
    link: text(157, 100),
    atime: undefined,
    ctime: undefined,
    major: 0,
    minor: 0,
  }
  const magic = fromLatin1(block.subarray(257, 265))
  const isUstar = magic.startsWith('ustar\0')
  const isGnu = magic === 'ustar  \0'
  if (!isUstar && !isGnu) return header
  header.major = requireRange(number(329, 8, 'device'), MAX_ID, 'device')
  header.minor = requireRange(number(337, 8, 'device'), MAX_ID, 'device')
  if (isGnu) {
    if (block[345] !== 0) header.atime = time(345, 'atime')
    if (block[357] !== 0) header.ctime = time(357, 'ctime')
    return header
  }
  if (text(508, 4) === 'tar')
    throw ociError('IMAGE_UNSUPPORTED', 'a layer is a tar of a dialect that is not read here', {
      found: 'star',
    })
  const prefix = text(345, 155)
  if (prefix !== '') header.path = `${prefix}/${header.path}`
  return header
}

function requireChecksum(block: Uint8Array): void {
  const expected = tarChecksum(block)
  const found = parseOctal(block.subarray(148, 156), 'checksum')
  if (found === BigInt(expected)) return
  throw ociError('IMAGE_INVALID', 'a layer is no tar, or has a damaged header', {
    expected: `checksum ${expected}`,
    found: `checksum ${found}`,
  })
}
