import { malformed } from './errors.ts'
import { decodeBitString, decodeBoolean, decodeOid, decodeSmallInteger, decodeUnsigned } from './values.ts'

/** Identifier octets (X.690 Section 8.1.2) of the types that X.509 uses. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const

/** Identifier octet of a constructed context-specific tag: `[n]` EXPLICIT, or IMPLICIT of a SEQUENCE. */
export const constructed = (number: number): number => 0xa0 | number

/** Identifier octet of a primitive context-specific tag: `[n]` IMPLICIT of a primitive type. */
export const primitive = (number: number): number => 0x80 | number

/** Largest input: the certificates, extensions and answers that occur have 1 to 20 kB. */
export const MAX_DER_BYTES = 1_048_576

/** Deepest nesting that {@link DerReader.enter} follows; a certificate needs 7. */
export const MAX_DER_DEPTH = 32

/**
 * Reads strict DER (X.690 Section 10) one element after the other, as views on the input: definite and
 * minimal lengths, one-byte tags, nothing left over. Whoever sent the bytes controls all of them.
 * A reader is for one type in one place: what is not the tag that it asks for is refused.
 *
 * @example
 * const reader = new DerReader(extension.value)
 * const sequence = reader.enter(TAG.SEQUENCE)
 * reader.end()
 * const type = sequence.oid()
 * const value = sequence.octetString()
 * sequence.end()
 *
 * @throws `X509_MALFORMED` (fix-input), from every method
 */
export class DerReader {
  readonly bytes: Uint8Array
  private offset = 0
  private limit: number
  private depth = 0
  /** Content of the element that {@link header} read last. */
  private contentStart = 0
  private contentEnd = 0

  constructor(bytes: Uint8Array, maxBytes: number = MAX_DER_BYTES) {
    if (bytes.length > maxBytes)
      throw malformed('DER is too long', `at most ${maxBytes} bytes`, `${bytes.length}`)
    this.bytes = bytes
    this.limit = bytes.length
  }

  /** Whether everything was read. */
  get atEnd(): boolean {
    return this.offset === this.limit
  }

  /** Bytes that were not read yet, as a view. */
  get rest(): Uint8Array {
    return this.bytes.subarray(this.offset, this.limit)
  }

  /** Identifier octet of the next element; -1 at the end. */
  get nextTag(): number {
    return this.offset < this.limit ? this.bytes[this.offset]! : -1
  }

  /** Refuses bytes after the last element. */
  end(): void {
    if (this.offset !== this.limit)
      throw malformed('DER has trailing bytes', 'the end', `${this.limit - this.offset} more bytes`)
  }

  /** A reader of the content of the next element, which must be constructed. */
  enter(tag: number): DerReader {
    this.header(tag)
    if (this.depth + 1 > MAX_DER_DEPTH)
      throw malformed('DER is nested too deeply', `at most ${MAX_DER_DEPTH} levels`)
    return DerReader.within(this, this.contentStart, this.contentEnd)
  }

  /** Content of the next element, as a view. */
  take(tag: number): Uint8Array {
    this.header(tag)
    return this.bytes.subarray(this.contentStart, this.contentEnd)
  }

  /** The next element with its header, as a view; of any type when no tag is given. */
  element(tag?: number): Uint8Array {
    const start = this.offset
    this.header(tag ?? this.nextTag)
    return this.bytes.subarray(start, this.contentEnd)
  }

  /** INTEGER of 0 or more: big-endian without leading zeros, empty for 0. Negative ones are refused. */
  unsigned(): Uint8Array {
    return decodeUnsigned(this.take(TAG.INTEGER))
  }

  /** INTEGER (or another tag with its content) of 0 to `max`, at most 2^31 - 1. */
  smallInteger(max: number = 0x7fff_ffff, tag: number = TAG.INTEGER): number {
    return decodeSmallInteger(this.take(tag), max)
  }

  /** OBJECT IDENTIFIER in dotted decimals. */
  oid(): string {
    return decodeOid(this.take(TAG.OID))
  }

  boolean(): boolean {
    return decodeBoolean(this.take(TAG.BOOLEAN))
  }

  octetString(): Uint8Array {
    return this.take(TAG.OCTET_STRING)
  }

  /** BIT STRING of whole bytes. */
  bitString(): Uint8Array {
    const { unusedBits, bytes } = decodeBitString(this.take(TAG.BIT_STRING))
    if (unusedBits !== 0)
      throw malformed('BIT STRING does not end at a byte', '0 unused bits', `${unusedBits}`)
    return bytes
  }

  null(): void {
    if (this.take(TAG.NULL).length !== 0) throw malformed('NULL has content')
  }

  private static within(outer: DerReader, start: number, end: number): DerReader {
    const reader = new DerReader(outer.bytes, outer.bytes.length)
    reader.offset = start
    reader.limit = end
    reader.depth = outer.depth + 1
    return reader
  }

  /** Reads identifier and length octets (X.690 Sections 8.1.2, 8.1.3 and 10.1) and moves past the element. */
  private header(expected: number): void {
    const { bytes, limit } = this
    let at = this.offset
    if (at >= limit) throw malformed('DER ends too early', tagText(expected), 'the end')
    const tag = bytes[at++]!
    if (tag !== expected) throw malformed('DER has another type here', tagText(expected), tagText(tag))
    if ((tag & 0x1f) === 0x1f) throw malformed('DER has a tag of several bytes')
    if (at >= limit) throw malformed('DER ends too early', 'a length', 'the end')
    let length = bytes[at++]!
    if (length >= 0x80) {
      const octets = length & 0x7f
      // 0x80 is the indefinite form of BER; three octets are 16 MiB, more than any bound here.
      if (octets === 0 || octets > 3) throw malformed('DER length is indefinite or too long')
      if (at + octets > limit) throw malformed('DER ends too early', 'a length', 'the end')
      length = 0
      for (let i = 0; i < octets; i++) length = length * 256 + bytes[at++]!
      if (length < 0x80 || (octets > 1 && length < 1 << (8 * (octets - 1))))
        throw malformed('DER length is not minimal')
    }
    if (length > limit - at)
      throw malformed('DER element ends after what holds it', `at most ${limit - at} bytes`, `${length}`)
    this.contentStart = at
    this.contentEnd = at + length
    this.offset = at + length
  }
}

function tagText(tag: number): string {
  return tag < 0 ? 'an element' : `tag 0x${tag.toString(16).padStart(2, '0')}`
}
