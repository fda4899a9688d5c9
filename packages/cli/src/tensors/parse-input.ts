import { type TensorElements, type TensorInput, type TensorPort, tensorFromNpy } from '@sotto/client/tensors'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { isDatatype, MAX_RANK } from '@sotto/protocol/tensors'
import { cliError } from '../errors.ts'

/** One `--input NAME=VALUE`. */
export interface InputFlag {
  readonly name: string
  /** A file, or JSON as it was typed. */
  readonly value: { readonly file: string } | { readonly json: string }
}

/** Takes `NAME=@FILE` and `NAME=JSON` apart. @throws `CLI_USAGE` */
export function parseInputFlag(flag: string): InputFlag {
  const at = flag.indexOf('=')
  if (at <= 0 || at === flag.length - 1)
    throw cliError('CLI_USAGE', '--input is not of the form NAME=VALUE', {
      expected: 'x=@file.npy, x=@file.json or x=[1,2,3]',
    })
  const [name, value] = [flag.slice(0, at), flag.slice(at + 1)]
  return { name, value: value.startsWith('@') ? { file: value.slice(1) } : { json: value } }
}

const NPY_FIRST_BYTE = 0x93

/** A tensor from a file: NumPy's format, or JSON. @throws `NPY_MALFORMED`, `CLI_FILE` */
export function tensorOfFile(bytes: Uint8Array, port: TensorPort | undefined, name: string): TensorInput {
  return bytes[0] === NPY_FIRST_BYTE ? tensorFromNpy(bytes) : tensorOfJson(bytes, port, name)
}

/**
 * A tensor from JSON: `{"datatype", "shape", "data"}`, or an array whose nesting is its shape; the datatype that is not
 * said is the model's. Integers beyond 2^53 are read exactly.
 * @throws `CLI_FILE`
 */
export function tensorOfJson(
  json: Uint8Array | string,
  port: TensorPort | undefined,
  name: string,
): TensorInput {
  let value: unknown
  try {
    value = JSON.parse(
      typeof json === 'string' ? json : fromUtf8(json),
      exactly as Parameters<typeof JSON.parse>[1],
    )
  } catch {
    throw malformed(name, 'it is neither a NumPy file nor JSON')
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const fields = (isObject ? value : { data: value }) as Record<string, unknown>
  const unknown = Object.keys(fields).find((field) => !['datatype', 'shape', 'data'].includes(field))
  if (unknown !== undefined) throw malformed(name, 'it has another member than datatype, shape and data')
  const nested = shapeOf(fields['data'], name)
  const shape = fields['shape'] === undefined ? nested : sizesOf(fields['shape'], name)
  const datatype = fields['datatype'] ?? port?.datatype
  if (!isDatatype(datatype))
    throw malformed(name, 'its datatype is not known', 'FP32, INT64, BYTES and so on')
  return { datatype, shape, data: [fields['data']].flat(MAX_RANK + 1) as unknown as TensorElements }
}

/** A reviver that sees numbers as they are written (ECMAScript, JSON.parse source text access). */
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isRounded = typeof value === 'number' && !Number.isSafeInteger(value)
  return isRounded && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context!.source!) : value
}

/** The shape that nested arrays have; their first elements say it. */
function shapeOf(data: unknown, name: string): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0]) {
    if (shape.length === MAX_RANK) throw malformed(name, 'its arrays are nested too deeply')
    shape.push(level.length)
  }
  if (!isNested(data, shape, 0)) throw malformed(name, 'its arrays are not all as long as the first')
  return shape
}

function isNested(data: unknown, shape: readonly number[], depth: number): boolean {
  if (depth === shape.length) return !Array.isArray(data)
  return (
    Array.isArray(data) &&
    data.length === shape[depth] &&
    data.every((part) => isNested(part, shape, depth + 1))
  )
}

function sizesOf(value: unknown, name: string): number[] {
  if (
    Array.isArray(value) &&
    value.length <= MAX_RANK &&
    value.every((size) => Number.isSafeInteger(size) && size >= 0)
  )
    return value as number[]
  throw malformed(name, 'its shape is no list of sizes')
}

function malformed(name: string, problem: string, expected?: string): Error {
  return cliError('CLI_FILE', `input ${JSON.stringify(name)} is no tensor: ${problem}`, {
    ...(expected !== undefined && { expected }),
    hint: 'numpy.save writes a file that is one; or write JSON like [[1, 2], [3, 4]]',
  })
}
