/** Makes the head of a GGUF file. */

type Value = { u32: number } | { text: string } | { texts: string[] } | { u32s: number[] } | { raw: number[] }

/** A tensor: its shape and the number of its type. */
export interface TensorHead {
  name: string
  shape: number[]
  type: number
}

/** What {@link buildGguf} writes. */
export interface GgufParts {
  version?: number
  settings?: Record<string, Value>
  tensors?: TensorHead[]
}

/** The head, without the weights behind it. */
export function buildGguf({ version = 3, settings = {}, tensors = [] }: GgufParts): Uint8Array {
  const parts: Uint8Array[] = [text('GGUF').subarray(8), u32(version), u64(tensors.length)]
  parts.push(u64(Object.keys(settings).length))
  for (const [key, value] of Object.entries(settings)) parts.push(text(key), setting(value))
  for (const { name, shape, type } of tensors)
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(0))
  return Buffer.concat(parts)
}

function setting(value: Value): Uint8Array {
  if ('u32' in value) return Buffer.concat([u32(4), u32(value.u32)])
  if ('text' in value) return Buffer.concat([u32(8), text(value.text)])
  if ('raw' in value) return Buffer.from(value.raw)
  if ('texts' in value)
    return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)])
  return Buffer.concat([u32(9), u32(4), u64(value.u32s.length), ...value.u32s.map(u32)])
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
