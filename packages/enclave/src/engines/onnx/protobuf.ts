import { engineError } from '../errors.ts'

/** One field of a protobuf message: `bytes` for wire type 2, `value` for varints, neither for fixed-width ones. */
export interface Field {
  readonly number: number
  readonly bytes?: Uint8Array
  readonly value?: bigint
}

/**
 * The fields of one protobuf message in order, as views. Structure only; nothing is copied or merged.
 * Whoever supplies the message controls it: every length is checked.
 *
 * @throws `ENGINE_MODEL_INVALID` for truncated or malformed wire data, and for groups
 */
export function* readFields(bytes: Uint8Array): Generator<Field, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw malformed()
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw malformed()
  }
  const skip = (length: number): void => {
    if (length > bytes.length - at) throw malformed()
    at += length
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    if (number === 0 || number > 0x1fffffff) throw malformed()
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint() }
        break
      case 1:
        skip(8)
        yield { number }
        break
      case 2: {
        const length = varint()
        if (length > BigInt(bytes.length - at)) throw malformed()
        const start = at
        at += Number(length)
        yield { number, bytes: bytes.subarray(start, at) }
        break
      }
      case 5:
        skip(4)
        yield { number }
        break
      default:
        throw malformed()
    }
  }
}

function malformed(): Error {
  return engineError('ENGINE_MODEL_INVALID', 'model is not a protobuf message')
}
