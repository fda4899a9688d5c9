import { countElements, elementBytes } from '@sotto/protocol/tensors'
import type { TensorInfo } from '../../engines/types.ts'
import { invalid, mismatch } from './errors.ts'
import type { InferHead, StatedInput } from './infer-head.ts'
import { MAX_BINARY_BYTES } from './limits.ts'

/** What a model takes and gives; `-1` is a free dimension. */
export interface Signature {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
}

/**
 * Compares a request with the model before a byte of binary data is taken in. The bounds that follow from shapes
 * hold from here on.
 *
 * @returns the elements of each input, in order
 * @throws `API_INVALID` naming what differs, with expected and found
 */
export function checkSignature(head: InferHead, signature: Signature): number[] {
  const seen = new Set<string>()
  const counts = head.inputs.map((input, index) => {
    const field = `inputs[${index}]`
    const port = signature.inputs.find(({ name }) => name === input.name)
    if (port === undefined)
      throw invalid(field, `the model has no input of this name; it has ${names(signature.inputs)}`)
    if (seen.has(input.name)) throw invalid(field, 'an input of this name stands before it')
    seen.add(input.name)
    return checkInput(input, port, `${field} ${JSON.stringify(input.name)}`)
  })
  const missing = signature.inputs.filter(({ name }) => !seen.has(name))
  if (missing.length > 0) throw invalid('inputs', `the model also needs ${names(missing)}`)
  const wanted = new Set<string>()
  for (const [index, { name }] of (head.outputs ?? []).entries()) {
    if (wanted.has(name) || !signature.outputs.some((port) => port.name === name))
      throw invalid(
        `outputs[${index}]`,
        `named twice, or not of the model; it has ${names(signature.outputs)}`,
      )
    wanted.add(name)
  }
  return counts
}

function checkInput({ datatype, shape, data }: StatedInput, port: TensorInfo, field: string): number {
  if (datatype !== port.datatype) throw mismatch(field, 'datatype', port.datatype, datatype)
  const fits =
    shape.length === port.shape.length &&
    shape.every((size, i) => port.shape[i] === -1 || port.shape[i] === size)
  if (!fits) throw mismatch(field, 'shape', dims(port.shape), dims(shape))
  const count = countElements(shape)
  const width = elementBytes(datatype)
  if (count === undefined || count * (width ?? 1) > MAX_BINARY_BYTES)
    throw invalid(field, `larger than a request may be: at most ${MAX_BINARY_BYTES} bytes`)
  if ('bytes' in data && width !== undefined && data.bytes !== count * width)
    throw invalid(
      field,
      `binary_data_size is not what the shape says: expected ${count * width}, found ${data.bytes}`,
    )
  return count
}

function names(ports: readonly TensorInfo[]): string {
  return ports.map(({ name }) => JSON.stringify(name)).join(', ')
}

function dims(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
