import type { TensorOutput } from '@sotto/client'
import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { printableJson, printableLine } from '../terminal/index.ts'

/** Elements that are shown of an output for people. */
const SHOWN = 8

/** One line for people: datatype, shape, and what it begins with. */
export function showOutput(name: string, output: TensorOutput): string {
  const elements = output.data.slice(0, SHOWN)
  const words = jsonElements({ ...output, data: elements } as TensorOutput).map((element) =>
    output.datatype === 'BYTES' || typeof element === 'object' ? printableJson(element) : String(element),
  )
  const more = output.data.length > SHOWN ? ', …' : ''
  return `${printableLine(name)}  ${output.datatype} [${output.shape.join(', ')}]  ${words.join(', ')}${more}`
}

/**
 * Elements for JSON, as protocol buffers write them: 64-bit integers, infinite values and NaN as strings, everything
 * else as it is. Byte strings are text; one that is not UTF-8 is `{"base64url"}`.
 */
export function jsonElements({ datatype, data }: TensorOutput): unknown[] {
  if (datatype === 'BYTES') return (data as readonly Uint8Array[]).map(textOrBytes)
  if (datatype === 'BOOL') return Array.from(data as Uint8Array, (element) => element === 1)
  return Array.from(data as ArrayLike<number | bigint>, (element) =>
    typeof element === 'bigint' || !Number.isFinite(element) ? String(element) : element,
  )
}

function textOrBytes(bytes: Uint8Array): unknown {
  try {
    return fromUtf8(bytes)
  } catch {
    return { base64url: toBase64Url(bytes) }
  }
}
