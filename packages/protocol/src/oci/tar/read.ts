import { TAR_BLOCK } from '../../tar/header.ts'
import { ociError } from '../errors.ts'
import { type ByteSource, openByteSource } from './blocks.ts'
import { parseTarHeader, type TarHeader } from './header.ts'
import { toLatin1 } from './latin1.ts'
import { parseField, type TarTime } from './numbers.ts'
import { mergePax, parsePax, type PaxRecords, xattrsOf } from './pax.ts'

/** What an entry of a layer is. */
export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo'

/** An entry of a layer. Paths and names of attributes have one character per byte: layers need not be UTF-8. */
export interface TarEntry {
  path: string
  type: TarEntryType
  /** The twelve bits of permissions. */
  mode: number
  uid: number
  gid: number
  /** Bytes of content; 0 of everything that is no file. */
  size: number
  mtime: TarTime
  atime: TarTime | undefined
  ctime: TarTime | undefined
  /** What a symlink or hard link leads to; empty of others. */
  link: string
  major: number
  minor: number
  xattrs: ReadonlyMap<string, Uint8Array>
  /** Where its content begins in the tar. */
  offset: number
  /** To be read before the next entry is asked for; what is not read is skipped. */
  content: AsyncIterable<Uint8Array>
}

/** How much of a layer is read at most. */
export interface TarLimits {
  /** Entries. Default 1,000,000. */
  maxEntries?: number
  /** Bytes of the whole tar. Default 16 GiB. */
  maxBytes?: number
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

/** Of extended headers and GNU long names, like other readers. */
const MAX_META_BYTES = 1024 * 1024
/** PATH_MAX of Linux: nobody can make a longer one. */
const MAX_PATH_BYTES = 4096

/**
 * Reads a layer entry by entry as Go's `archive/tar` does, which made most layers and reads them where they run: ustar,
 * pax and GNU long names. What that reader would take and this one does not is refused by name, never read differently.
 *
 * @throws `IMAGE_INVALID` for what is no tar, is cut or too large, `IMAGE_UNSUPPORTED` for sparse files and other types
 */
export async function* readTarStream(
  chunks: AsyncIterable<Uint8Array>,
  { maxEntries = 1_000_000, maxBytes = 16 * 2 ** 30 }: TarLimits = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const source = openByteSource(bounded(chunks, maxBytes))
  let count = 0
  for (;;) {
    const found = await readHeaders(source)
    if (found === undefined) break
    if (++count > maxEntries) throw tooLarge('entries', maxEntries)
    const { header, records } = found
    const content = source.stream(header.size)
    yield { ...describe(header), xattrs: xattrsOf(records), offset: source.position, content }
    await content.skip()
    if (!(await isZero(source.stream(-header.size & (TAR_BLOCK - 1))))) throw padding('an entry')
  }
  if (!(await isZero(source.rest()))) throw padding('the end')
}

interface Headers {
  header: TarHeader
  records: PaxRecords
}

/** Everything in front of the content of the next entry; undefined at the end. */
async function readHeaders(source: ByteSource): Promise<Headers | undefined> {
  let records: PaxRecords | undefined
  const long: { path?: string; link?: string } = {}
  for (;;) {
    const block = await source.take(TAR_BLOCK)
    if (block === undefined || block.every((byte) => byte === 0)) {
      if (records !== undefined || long.path !== undefined || long.link !== undefined)
        throw ociError('IMAGE_INVALID', 'a layer ends after an extended header')
      const second = await source.take(TAR_BLOCK)
      if (second?.some((byte) => byte !== 0) === true) throw padding('the end')
      return undefined
    }
    const header = parseTarHeader(block)
    if (header.type === 'x') {
      if (records !== undefined) throw ociError('IMAGE_INVALID', 'a layer has two extended headers in a row')
      records = parsePax(await readMeta(source, header))
    } else if (header.type === 'L') long.path = parseField(await readMeta(source, header))
    else if (header.type === 'K') long.link = parseField(await readMeta(source, header))
    else {
      mergePax(header, records ?? new Map())
      // An empty one says nothing, as elsewhere.
      header.path = long.path || header.path
      header.link = long.link || header.link
      if (header.type === '\0') header.type = header.path.endsWith('/') ? '5' : '0'
      return { header, records: records ?? new Map() }
    }
  }
}

async function readMeta(source: ByteSource, { size }: TarHeader): Promise<Uint8Array> {
  if (size > MAX_META_BYTES) throw tooLarge('bytes of an extended header', MAX_META_BYTES)
  const padded = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  const bytes = padded === 0 ? new Uint8Array() : await source.take(padded)
  if (bytes === undefined) throw ociError('IMAGE_INVALID', 'a layer ends within an entry')
  return bytes.subarray(0, size)
}

function describe(header: TarHeader): Omit<TarEntry, 'xattrs' | 'offset' | 'content'> {
  const { path, link, mode, uid, gid, size, mtime, atime, ctime, major, minor } = header
  const type = Object.hasOwn(TYPES, header.type) ? TYPES[header.type]! : undefined
  if (type === undefined)
    throw ociError('IMAGE_UNSUPPORTED', 'a layer has an entry of a type that is not read here', {
      found: `${JSON.stringify(header.type)} of ${shownPath(path)}`,
    })
  for (const text of [path, link])
    if (text.length > MAX_PATH_BYTES || text.includes('\0')) throw tooLarge('bytes of a path', MAX_PATH_BYTES)
  if (type !== 'file' && size !== 0)
    throw ociError('IMAGE_UNSUPPORTED', 'a layer has an entry with content that is no file', {
      found: shownPath(path),
    })
  if (type === 'file' && path.endsWith('/'))
    throw ociError('IMAGE_UNSUPPORTED', 'a layer has a file with the name of a folder', {
      found: shownPath(path),
    })
  const isLink = type === 'symlink' || type === 'hardlink'
  return { path, type, mode, uid, gid, size, mtime, atime, ctime, link: isLink ? link : '', major, minor }
}

/** A path for people. */
export function shownPath(path: string): string {
  return JSON.stringify(new TextDecoder().decode(toLatin1(path)))
}

async function isZero(chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  let isAllZero = true
  for await (const chunk of chunks) isAllZero &&= chunk.every((byte) => byte === 0)
  return isAllZero
}

async function* bounded(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge('bytes of a layer', maxBytes)
    yield chunk
  }
}

function padding(where: string): Error {
  return ociError('IMAGE_INVALID', `a layer has bytes after ${where} that are not zero`)
}

function tooLarge(what: string, most: number): Error {
  return ociError('IMAGE_INVALID', `a layer has too many ${what}`, { expected: `${most} at most` })
}
