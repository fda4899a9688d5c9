import { ociError } from '../errors.ts'
import type { TarHeader } from './header.ts'
import { fromLatin1, toLatin1 } from './latin1.ts'
import { parseDecimal, parsePaxTime, requireRange } from './numbers.ts'

/** Records of an extended header by key, one character per byte in both. */
export type PaxRecords = ReadonlyMap<string, string>

const XATTR = 'SCHILY.xattr.'
/** Keys whose value is text, in which a NUL would end it somewhere else for somebody else. */
const TEXTS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname'])

/**
 * Parses `LENGTH KEY=VALUE\n` records (POSIX pax, "pax Extended Header").
 * @throws `IMAGE_INVALID`; `IMAGE_UNSUPPORTED` for sparse files
 */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const text = fromLatin1(bytes)
  const records = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    const digits = /^([1-9][0-9]{0,6}) /.exec(text.slice(at, at + 8))?.[1]
    const end = at + Number(digits)
    const equals = digits === undefined ? -1 : text.indexOf('=', at)
    const start = at + (digits?.length ?? 0) + 1
    if (
      digits === undefined ||
      end > text.length ||
      text[end - 1] !== '\n' ||
      equals < start ||
      equals >= end
    )
      throw malformed('a record is not LENGTH KEY=VALUE')
    const [key, value] = [text.slice(start, equals), text.slice(equals + 1, end - 1)]
    if (key === '' || key.includes('\0') || (TEXTS.has(key) && value.includes('\0')))
      throw malformed('a record has a NUL, or no key')
    if (records.has(key)) throw malformed('a key stands twice')
    if (key.startsWith('GNU.sparse.'))
      throw ociError('IMAGE_UNSUPPORTED', 'a layer has a sparse file, which is not read here')
    records.set(key, value)
    at = end
  }
  return records
}

/** Overwrites what a header says with what its records say; empty values say nothing. @throws `IMAGE_INVALID` */
export function mergePax(header: TarHeader, records: PaxRecords): void {
  for (const [key, value] of records) {
    if (value === '') continue
    if (key === 'path') header.path = value
    else if (key === 'linkpath') header.link = value
    else if (key === 'uid') header.uid = requireRange(parseDecimal(value, 'uid'), 0xffffffff, 'uid')
    else if (key === 'gid') header.gid = requireRange(parseDecimal(value, 'gid'), 0xffffffff, 'gid')
    else if (key === 'size')
      header.size = requireRange(parseDecimal(value, 'size'), Number.MAX_SAFE_INTEGER, 'size')
    else if (key === 'mtime') header.mtime = parsePaxTime(value, 'mtime')
    else if (key === 'atime') header.atime = parsePaxTime(value, 'atime')
    else if (key === 'ctime') header.ctime = parsePaxTime(value, 'ctime')
  }
}

/** Extended attributes by name, one character per byte in the names. */
export function xattrsOf(records: PaxRecords): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (const [key, value] of records)
    if (key.startsWith(XATTR)) xattrs.set(key.slice(XATTR.length), toLatin1(value))
  return xattrs
}

function malformed(found: string): Error {
  return ociError('IMAGE_INVALID', 'a layer has a damaged extended header', { found })
}
