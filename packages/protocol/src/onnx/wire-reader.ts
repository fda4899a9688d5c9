import { fromUtf8 } from '../bytes/index.ts'
import { onnxError } from './errors.ts'
import { MAX_TEXT_BYTES } from './limits.ts'

/** Wire types of protobuf that occur in ONNX. Groups (3, 4) are refused. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/**
 * Reads the fields of one protobuf message. Whoever supplies the message controls every byte: nothing is read past
 * its end, variable-length integers are the shortest of their value, and nothing is copied.
 */
export class WireReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  /** Number of the field that `next` found. */
  field = 0
  /** Its wire type. Exactly one of `integer`, `bytes`, `float`, `double` must now read it. */
  wire = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Goes to the next field; false at the end. @throws `ONNX_MALFORMED` */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false
    const tag = Number(this.varint())
    this.field = Math.floor(tag / 8)
    this.wire = tag % 8
    if (this.field === 0 || this.field > 0x1fff_ffff) throw malformed()
    if (this.wire !== VARINT && this.wire !== FIXED64 && this.wire !== BYTES && this.wire !== FIXED32)
      throw malformed()
    return true
  }

  /** True while bytes are left; for packed lists, which have no tags. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length
  }

  /** A variable-length integer, with its 64 bits taken as signed. */
  varint(): bigint {
    const first = this.#byte()
    if (first < 0x80) return BigInt(first)
    let value = BigInt(first & 0x7f)
    for (let shift = 7n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 || (shift === 63n && byte > 1)) throw malformed()
      return BigInt.asIntN(64, value)
    }
    throw malformed()
  }

  /** Value of a field that holds an integer. */
  integer(): bigint {
    this.#expect(VARINT)
    return this.varint()
  }

  /** Value of a field that counts or enumerates: from 0 to 2^53. */
  count(): number {
    const value = this.integer()
    if (value < 0n || value > 0x1f_ffff_ffff_ffffn) throw malformed()
    return Number(value)
  }

  /** Content of a field of bytes, as a view. */
  bytes(): Uint8Array {
    this.#expect(BYTES)
    const length = this.varint()
    if (length < 0n || length > BigInt(this.#bytes.length - this.#at)) throw malformed()
    return this.#take(Number(length))
  }

  /** Content of a field of text. @throws `ONNX_MALFORMED` unless it is UTF-8, `ONNX_UNSUPPORTED` where it is too long */
  text(): string {
    const bytes = this.bytes()
    if (bytes.length > MAX_TEXT_BYTES) throw onnxError('ONNX_UNSUPPORTED', 'a text of the model is too long')
    try {
      return fromUtf8(bytes)
    } catch {
      throw onnxError('ONNX_MALFORMED', 'a text of the model is not UTF-8')
    }
  }

  /** The message in this field. */
  message(): WireReader {
    return new WireReader(this.bytes())
  }

  /** Value of a field that holds a float. */
  float(): number {
    this.#expect(FIXED32)
    return this.fixed32()
  }

  /** Four bytes of a packed list as a float. */
  fixed32(): number {
    const at = this.#at
    this.#take(4)
    return this.#view.getFloat32(at, true)
  }

  /** The next bytes of this field, whatever it is: for fields whose content does not matter. */
  skip(): void {
    if (this.wire === VARINT) this.varint()
    else if (this.wire === BYTES) this.bytes()
    else this.#take(this.wire === FIXED32 ? 4 : 8)
  }

  /** This field's value of fixed width, as bytes. */
  fixed(length: 4 | 8): Uint8Array {
    this.#expect(length === 4 ? FIXED32 : FIXED64)
    return this.#take(length)
  }

  #expect(wire: number): void {
    if (this.wire !== wire) throw malformed()
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed()
    return this.#bytes[this.#at++]!
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw malformed()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function malformed(): Error {
  return onnxError('ONNX_MALFORMED', 'model is not a protobuf message')
}
