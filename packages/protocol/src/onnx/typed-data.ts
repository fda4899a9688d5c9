import { concat } from '../bytes/index.ts'
import { ELEMENT_TYPES } from './element-types.ts'
import { onnxError } from './errors.ts'
import type { ElementType } from './types.ts'
import { BYTES, type WireReader } from './wire-reader.ts'

/** Field of TensorProto that holds the elements of each type when there is no `raw_data` (onnx.proto, TensorProto). */
const FIELD: Readonly<Partial<Record<ElementType, number>>> = {
  float32: 4,
  int32: 5,
  int16: 5,
  int8: 5,
  uint16: 5,
  uint8: 5,
  bool: 5,
  float16: 5,
  bfloat16: 5,
  string: 6,
  int64: 7,
  float64: 10,
  uint32: 11,
  uint64: 11,
}

/** Element lists of one TensorProto as they arrive, packed or one by one. */
export class TypedData {
  readonly texts: Uint8Array[] = []
  readonly #fixed: Uint8Array[] = []
  readonly #integers: bigint[] = []
  #field = 0

  /** Whether any list had a field. */
  get isUsed(): boolean {
    return this.#field !== 0
  }

  /** Takes the field that the reader stands on. @throws `ONNX_MALFORMED` where a tensor mixes lists */
  read(reader: WireReader): void {
    const { field } = reader
    if (this.#field !== 0 && this.#field !== field)
      throw onnxError('ONNX_MALFORMED', 'tensor has elements of two types')
    this.#field = field
    if (field === 6) this.texts.push(reader.bytes())
    else if (field === 4 || field === 10)
      this.#fixed.push(reader.wire === BYTES ? reader.bytes() : reader.fixed(field === 4 ? 4 : 8))
    else if (reader.wire === BYTES)
      for (const packed = reader.message(); packed.hasMore;) this.#integers.push(packed.varint())
    else this.#integers.push(reader.integer())
  }

  /** The elements in little-endian bytes; undefined where the list is not the one of this type or not this long. */
  bytesOf(type: ElementType, count: number): Uint8Array | undefined {
    if (!this.isUsed) return count === 0 ? new Uint8Array(0) : undefined
    if (FIELD[type] !== this.#field) return undefined
    if (this.#field === 4 || this.#field === 10) return concat(...this.#fixed)
    if (this.#integers.length !== count) return undefined
    const { bytes } = ELEMENT_TYPES[type]
    const out = new Uint8Array(count * bytes)
    const view = new DataView(out.buffer)
    for (const [i, value] of this.#integers.entries()) {
      if (!fits(value, type, bytes))
        throw onnxError('ONNX_MALFORMED', 'tensor has an element outside its type')
      if (bytes === 8) view.setBigInt64(i * 8, value, true)
      else if (bytes === 4) view.setInt32(i * 4, Number(BigInt.asIntN(32, value)), true)
      else if (bytes === 2) view.setInt16(i * 2, Number(BigInt.asIntN(16, value)), true)
      else out[i] = Number(value & 0xffn)
    }
    return out
  }
}

function fits(value: bigint, type: ElementType, bytes: number): boolean {
  if (bytes === 8) return true
  const bits = bytes * 8
  return type.startsWith('int') ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value
}
