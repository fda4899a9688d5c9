import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'

/** Head of an EBML element (RFC 8794 Section 6). `size` is infinite when it was not known. */
export interface EbmlHead {
  readonly id: number
  readonly size: number
}

/** An element inside a buffer. */
export interface EbmlElement {
  readonly id: number
  readonly data: Uint8Array
}

/** Longest head: four bytes of id and eight of size. */
const MAX_HEAD_BYTES = 12

/** Reads the head at the current position; undefined at the end of the source. @throws `AUDIO_MALFORMED` */
export async function readEbmlHead(input: ByteStream): Promise<EbmlHead | undefined> {
  if (!(await input.ensure(1))) return undefined
  await input.ensure(MAX_HEAD_BYTES)
  const parsed = parseHead(input.window, 0)
  if (!parsed) throw cutShort('a Matroska element')
  input.consume(parsed.length)
  return parsed
}

/** All children of a master element held in memory. @throws `AUDIO_MALFORMED` */
export function parseEbmlChildren(bytes: Uint8Array): EbmlElement[] {
  const children: EbmlElement[] = []
  for (let at = 0; at < bytes.length;) {
    const head = parseHead(bytes, at)
    if (!head || at + head.length + head.size > bytes.length)
      throw malformed('a Matroska element overruns its parent')
    const start = at + head.length
    at = start + head.size
    children.push({ id: head.id, data: bytes.subarray(start, at) })
  }
  return children
}

/** Unsigned integer of an element of 0 to 6 bytes. */
export function ebmlUint(data: Uint8Array): number {
  if (data.length > 8) throw malformed('a Matroska number is too long')
  let value = 0
  for (const byte of data) value = value * 256 + byte
  return value
}

/** Signed integer of an element of 0 to 8 bytes. */
export function ebmlInt(data: Uint8Array): number {
  const value = ebmlUint(data)
  return data.length > 0 && data[0]! >= 0x80 ? value - 256 ** data.length : value
}

/** A variable-length integer (RFC 8794 Section 4) at `offset`; all ones mean unknown, here infinite. */
export function parseVint(bytes: Uint8Array, offset: number): { value: number; length: number } | undefined {
  const first = bytes[offset]
  if (first === undefined) return undefined
  const length = Math.clz32(first) - 23
  if (length > 8) throw malformed('a Matroska number is longer than eight bytes')
  if (offset + length > bytes.length) return undefined
  let value = first & (0xff >> length)
  let isUnknown = value === 0xff >> length
  for (let i = 1; i < length; i++) {
    const byte = bytes[offset + i]!
    isUnknown &&= byte === 0xff
    value = value * 256 + byte
  }
  return { value: isUnknown ? Infinity : value, length }
}

function parseHead(bytes: Uint8Array, offset: number): (EbmlHead & { length: number }) | undefined {
  const first = bytes[offset]
  if (first === undefined) return undefined
  const idLength = Math.clz32(first) - 23
  if (idLength > 4) throw malformed('a Matroska element has an id of more than four bytes')
  if (offset + idLength > bytes.length) return undefined
  const id = ebmlUint(bytes.subarray(offset, offset + idLength))
  const size = parseVint(bytes, offset + idLength)
  return size && { id, size: size.value, length: idLength + size.length }
}
