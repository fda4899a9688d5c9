import { utf8 } from '../bytes/index.ts'
import { BYTES, FIXED32, VARINT } from './wire-reader.ts'

/** Collects the fields of one protobuf message. Large content is kept as it is given and copied once, by `finish`. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []
  /** Bytes so far. */
  length = 0

  /** An integer of 64 bits; a negative one takes ten bytes, as protobuf has it. */
  integer(field: number, value: bigint | number): void {
    this.#varint(BigInt(field * 8 + VARINT))
    this.#varint(BigInt.asUintN(64, BigInt(value)))
  }

  /** A number of 32 bits. */
  float(field: number, value: number): void {
    this.#varint(BigInt(field * 8 + FIXED32))
    this.#add(new Uint8Array(Float32Array.of(value).buffer))
  }

  /** Bytes, not copied yet. */
  bytes(field: number, content: Uint8Array): void {
    this.#varint(BigInt(field * 8 + BYTES))
    this.#varint(BigInt(content.length))
    this.#add(content)
  }

  /** A text. */
  text(field: number, content: string): void {
    this.bytes(field, utf8(content))
  }

  /** A message in this one; it must be complete. */
  message(field: number, content: WireWriter): void {
    this.#varint(BigInt(field * 8 + BYTES))
    this.#varint(BigInt(content.length))
    for (const part of content.#parts) this.#add(part)
  }

  /** Integers as one packed field; none when there are none. */
  packed(field: number, values: readonly (bigint | number)[]): void {
    if (values.length === 0) return
    const content = new WireWriter()
    for (const value of values) content.#varint(BigInt.asUintN(64, BigInt(value)))
    this.message(field, content)
  }

  /** The message as one array. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.length)
    let at = 0
    for (const part of this.#parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }

  #add(part: Uint8Array): void {
    this.#parts.push(part)
    this.length += part.length
  }

  #varint(value: bigint): void {
    const bytes: number[] = []
    let rest = value
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
    bytes.push(Number(rest))
    this.#add(Uint8Array.from(bytes))
  }
}
