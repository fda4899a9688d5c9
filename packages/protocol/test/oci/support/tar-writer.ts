import { tarChecksum } from '../../../src/tar/header.ts'

/** An entry as tests write it. Text has one character per byte. */
export interface WrittenEntry {
  path: string
  /** Default `0`, a file. */
  type?: string
  mode?: number
  uid?: number
  gid?: number
  /** Seconds. Default 0. */
  mtime?: number
  content?: Uint8Array
  /** Size to claim, where it is not that of the content. */
  size?: number
  link?: string
  major?: number
  minor?: number
  /** Records of a pax header in front of it. */
  pax?: Readonly<Record<string, string>>
  /** GNU headers for long names and dates instead of a pax one. */
  isGnu?: boolean
  atime?: number
}

/** A tar of the entries, ended by two blocks of zeros. */
export function writeTar(entries: readonly WrittenEntry[]): Uint8Array {
  return Buffer.concat([...entries.flatMap(encodeEntry), new Uint8Array(1024)])
}

/** One entry with what belongs to it, in whole blocks. */
export function encodeEntry(entry: WrittenEntry): Uint8Array[] {
  const { path, link = '', content = new Uint8Array(), isGnu = false } = entry
  const pax: Record<string, string> = { ...entry.pax }
  const extra: Uint8Array[] = []
  if (isGnu) {
    if (path.length > 100) extra.push(...meta('L', `${path}\0`))
    if (link.length > 100) extra.push(...meta('K', `${link}\0`))
  } else {
    if (path.length > 100) pax['path'] ??= path
    if (link.length > 100) pax['linkpath'] ??= link
    const records = Object.entries(pax).map(([key, value]) => paxRecord(key, value))
    if (records.length > 0) extra.push(...meta('x', records.join('')))
  }
  return [...extra, header(entry), ...blocks(content)]
}

/** `LENGTH KEY=VALUE\n`, whose length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + 1
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
  return `${length}${rest}`
}

function meta(type: string, text: string): Uint8Array[] {
  const content = Buffer.from(text, 'latin1')
  return [header({ path: 'meta', type, content }), ...blocks(content)]
}

function blocks(content: Uint8Array): Uint8Array[] {
  return content.length === 0 ? [] : [content, new Uint8Array(-content.length & 511)]
}

/** One block. */
export function header(entry: WrittenEntry): Uint8Array {
  const { path, type = '0', mode = 0o644, uid = 0, gid = 0, mtime = 0, link = '', isGnu = false } = entry
  const bytes = Buffer.alloc(512)
  const number = (value: number, offset: number, length: number): void => {
    const octal = value.toString(8)
    if (value >= 0 && octal.length < length) {
      bytes.write(octal.padStart(length - 1, '0'), offset, 'latin1')
      return
    }
    let rest = BigInt.asUintN(8 * length, BigInt(value))
    for (let at = offset + length - 1; at >= offset; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
    bytes[offset]! |= 0x80
  }
  bytes.write(path.slice(0, 100), 0, 'latin1')
  number(mode, 100, 8)
  number(uid, 108, 8)
  number(gid, 116, 8)
  number(entry.size ?? entry.content?.length ?? 0, 124, 12)
  number(mtime, 136, 12)
  bytes.write(type, 156, 'latin1')
  bytes.write(link.slice(0, 100), 157, 'latin1')
  bytes.write(isGnu ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1')
  number(entry.major ?? 0, 329, 8)
  number(entry.minor ?? 0, 337, 8)
  if (isGnu && entry.atime !== undefined) number(entry.atime, 345, 12)
  bytes.write(`${tarChecksum(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
