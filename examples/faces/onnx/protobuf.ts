/** Reads and writes protobuf messages field by field, as much of it as ONNX files use. */

/** One field: a view of its bytes, or the value of a varint. Fixed-width fields are kept as their bytes. */
export interface Field {
  readonly number: number
  readonly wireType: number
  readonly bytes: Uint8Array
  readonly value: bigint
}

const NONE = new Uint8Array(0)

/**
 * The fields of one message in order; nothing is copied. Whoever made the file controls it: every length is checked.
 * @throws Error for what is no protobuf message
 */
export function* readFields(message: Uint8Array): Generator<Field, void> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw malformed()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw malformed()
  }
  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(message.length - at)) throw malformed()
    const start = at
    at += Number(length)
    return message.subarray(start, at)
  }
  while (at < message.length) {
    const tag = varint()
    const [number, wireType] = [Number(tag >> 3n), Number(tag & 7n)]
    if (number === 0) throw malformed()
    if (wireType === 0) yield { number, wireType, bytes: NONE, value: varint() }
    else if (wireType === 1) yield { number, wireType, bytes: take(8n), value: 0n }
    else if (wireType === 2) yield { number, wireType, bytes: take(varint()), value: 0n }
    else if (wireType === 5) yield { number, wireType, bytes: take(4n), value: 0n }
    else throw malformed()
  }
}

/** A field of bytes, text or messages. */
export function bytesField(number: number, ...parts: (Uint8Array | string)[]): Uint8Array {
  const body = concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  return concat([varint(BigInt(number) * 8n + 2n), varint(BigInt(body.length)), body])
}

/** A varint field; negative numbers take ten bytes, as protobuf has them. */
export function numberField(number: number, value: number | bigint): Uint8Array {
  return concat([varint(BigInt(number) * 8n), varint(BigInt.asUintN(64, BigInt(value)))])
}

/** A field as it was read. */
export function sameField({ number, wireType, bytes, value }: Field): Uint8Array {
  if (wireType === 0) return numberField(number, value)
  if (wireType === 2) return bytesField(number, bytes)
  return concat([varint(BigInt(number) * 8n + BigInt(wireType)), bytes])
}

/** All of them in one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function varint(value: bigint): Uint8Array {
  const out: number[] = []
  for (; value >= 128n; value >>= 7n) out.push(Number(value & 127n) | 128)
  return Uint8Array.from([...out, Number(value)])
}

function malformed(): Error {
  return new Error('this is no ONNX file: not a protobuf message')
}
