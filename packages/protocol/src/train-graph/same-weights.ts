import { equalBytes } from '../bytes/index.ts'
import { floatsOf, type OnnxTensor } from '../onnx/index.ts'

/**
 * Pairs of matrices that hold the same numbers, as they are or transposed: exporters write a tied weight as a copy, for
 * the head of a language model as a turned one. A matrix of one number alone says nothing and is left out.
 */
export function sameWeights(tensors: readonly OnnxTensor[]): readonly (readonly [OnnxTensor, OnnxTensor])[] {
  const found: (readonly [OnnxTensor, OnnxTensor])[] = []
  const byNumbers = new Map<string, OnnxTensor[]>()
  for (const tensor of tensors) {
    if (tensor.dims.length !== 2 || tensor.type !== 'float32') continue
    const values = floatsOf(tensor)
    if (values.every((value) => value === values[0])) continue
    // Sums do not depend on the order: those of like candidates are compared in full.
    const key = `${values.length} ${orderless(values)}`
    const others = byNumbers.get(key) ?? []
    for (const other of others) if (isSame(other, tensor, values)) found.push([other, tensor])
    if (others.length < MAX_COMPARED) byNumbers.set(key, [...others, tensor])
  }
  return found
}

/** Matrices of like numbers that one is compared with, so that a graph of many such takes no quadratic time. */
const MAX_COMPARED = 64

/** A number that does not depend on the order of values: the sum of their bits. */
function orderless(values: Float32Array): number {
  let sum = 0
  for (const bits of new Uint32Array(values.buffer)) sum += bits
  return sum
}

function isSame(a: OnnxTensor, b: OnnxTensor, values: Float32Array): boolean {
  if (String(a.dims) === String(b.dims)) return equalBytes(a.data, b.data)
  const [rows, columns] = b.dims
  if (String(a.dims) !== String([columns, rows])) return false
  const other = floatsOf(a)
  return values.every((value, i) => value === other[(i % columns!) * rows! + Math.floor(i / columns!)])
}
