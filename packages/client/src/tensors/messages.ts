import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { type Datatype, isDatatype } from '@sotto/protocol/tensors'
import { fromRaw } from './from-raw.ts'
import type { RawTensor } from './to-raw.ts'
import type { ModelSignature, TensorOutput, TensorPort } from './types.ts'

/** Bytes of JSON before the binary data (KServe v2, binary tensor data extension). */
export const HEADER_LENGTH = 'inference-header-content-length'

/** Tensors of one message, as the service has them at most. */
const MAX_TENSORS = 256

/** An inference request with all its tensors as binary data, which it also asks for. */
export function encodeRequest(
  inputs: readonly RawTensor[],
  outputs: readonly string[] | undefined,
): { body: Uint8Array; headerLength: number } {
  const json = utf8(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape, data }) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: data.length },
      })),
      ...(outputs && { outputs: outputs.map((name) => ({ name })) }),
      parameters: { binary_data_output: true },
    }),
  )
  return { body: concat(json, ...inputs.map(({ data }) => data)), headerLength: json.length }
}

/** What an inference answer says. */
export interface InferAnswer {
  readonly model: string
  readonly version: string
  readonly outputs: Readonly<Record<string, TensorOutput>>
}

/** Parses an answer whose outputs are all binary data; undefined when it is something else. */
export function parseAnswer(body: Uint8Array, headerLength: number): InferAnswer | undefined {
  const json = parseJson(body.subarray(0, headerLength))
  const { model_name: model, model_version: version, outputs } = (json ?? {}) as Record<string, unknown>
  if (typeof model !== 'string' || typeof version !== 'string' || !isShortList(outputs)) return undefined
  const found: Record<string, TensorOutput> = Object.create(null)
  let at = headerLength
  for (const output of outputs) {
    const port = portOf(output)
    const size = sizeOf(output)
    if (port === undefined || size === undefined || size > body.length - at || port.name in found)
      return undefined
    const tensor = fromRaw(port.datatype, port.shape, body.subarray(at, at + size))
    if (tensor === undefined) return undefined
    found[port.name] = tensor
    at += size
  }
  return at === body.length ? { model, version, outputs: found } : undefined
}

/** Parses a model's metadata; undefined when it is something else. */
export function parseSignature(body: Uint8Array): ModelSignature | undefined {
  const { name, versions, inputs, outputs } = (parseJson(body) ?? {}) as Record<string, unknown>
  const version: unknown = Array.isArray(versions) ? versions[0] : undefined
  if (
    typeof name !== 'string' ||
    typeof version !== 'string' ||
    !isShortList(inputs) ||
    !isShortList(outputs)
  )
    return undefined
  const ports = [inputs.map(portOf), outputs.map(portOf)]
  if (ports.flat().includes(undefined)) return undefined
  return { model: name, version, inputs: ports[0] as TensorPort[], outputs: ports[1] as TensorPort[] }
}

/**
 * Bytes of the JSON object that a message begins with; undefined when there is none. It ends with its brace, so the
 * length follows from the body, and a message needs no header to be read again.
 */
export function jsonLength(body: Uint8Array): number | undefined {
  let depth = 0
  let isInString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!
    if (isInString) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) isInString = false
    } else if (byte === QUOTE) isInString = true
    else if (byte === OPEN) depth++
    else if (byte === CLOSE && --depth === 0) return at + 1
    if (depth === 0) return undefined
  }
  return undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

function portOf(value: unknown): TensorPort | undefined {
  const { name, datatype, shape } = (value ?? {}) as Record<string, unknown>
  const isShape =
    Array.isArray(shape) &&
    shape.length <= 16 &&
    shape.every((size) => Number.isSafeInteger(size) && size >= -1)
  if (typeof name !== 'string' || !isDatatype(datatype) || !isShape) return undefined
  return { name, datatype: datatype as Datatype, shape: shape as number[] }
}

function sizeOf(value: unknown): number | undefined {
  const { parameters } = value as { parameters?: { binary_data_size?: unknown } }
  const size = parameters?.binary_data_size
  return Number.isSafeInteger(size) && (size as number) >= 0 ? (size as number) : undefined
}

function isShortList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length <= MAX_TENSORS
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    return undefined
  }
}
