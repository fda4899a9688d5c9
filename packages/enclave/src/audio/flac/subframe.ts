import { malformed } from '../errors.ts'
import type { BitReader } from './bit-reader.ts'

/** Coefficients of the fixed predictors of order 0 to 4 (RFC 9639 Section 9.2.5). */
const FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]].map((order) => Float64Array.from(order))

/**
 * Decodes one subframe into `out[0..blockSize)` (RFC 9639 Section 9.2). Doubles hold every sum exactly:
 * 32 products of a 33-bit sample and a 15-bit coefficient need 53 bits.
 */
export function decodeSubframe(
  bits: BitReader,
  out: Float64Array,
  blockSize: number,
  sampleBits: number,
): void {
  if (bits.bits(1) !== 0) throw malformed('a FLAC subframe begins with a reserved bit')
  const type = bits.bits(6)
  const wasted = bits.bits(1) === 1 ? bits.unary() + 1 : 0
  const width = sampleBits - wasted
  if (width < 1) throw malformed('a FLAC subframe wastes all its bits')

  if (type === 0) {
    out.fill(bits.signed(width), 0, blockSize)
  } else if (type === 1) {
    for (let i = 0; i < blockSize; i++) out[i] = bits.signed(width)
  } else if (type >= 8 && type <= 12) {
    decodePredicted(bits, out, blockSize, width, FIXED[type - 8]!.length)
  } else if (type >= 32) {
    decodePredicted(bits, out, blockSize, width, type - 31, true)
  } else {
    throw malformed('a FLAC subframe has a reserved type', { found: `${type}` })
  }
  if (wasted > 0) {
    const scale = 2 ** wasted
    for (let i = 0; i < blockSize; i++) out[i]! *= scale
  }
}

function decodePredicted(
  bits: BitReader,
  out: Float64Array,
  blockSize: number,
  width: number,
  order: number,
  linear: boolean = false,
): void {
  if (order > blockSize) throw malformed('a FLAC predictor is longer than its block')
  for (let i = 0; i < order; i++) out[i] = bits.signed(width)
  let coefficients = FIXED[linear ? 0 : order]!
  let shift = 0
  if (linear) {
    const precision = bits.bits(4) + 1
    if (precision === 16) throw malformed('a FLAC predictor has a reserved precision')
    shift = bits.signed(5)
    if (shift < 0) throw malformed('a FLAC predictor has a negative shift')
    coefficients = new Float64Array(order)
    for (let i = 0; i < order; i++) coefficients[i] = bits.signed(precision)
  }
  decodeResiduals(bits, out, blockSize, order)
  predict(out, blockSize, coefficients, shift)
}

/** Residuals in Rice partitions (RFC 9639 Section 9.2.7). */
function decodeResiduals(bits: BitReader, out: Float64Array, blockSize: number, order: number): void {
  const method = bits.bits(2)
  if (method > 1) throw malformed('a FLAC residual has a reserved coding method')
  const parameterBits = method === 0 ? 4 : 5
  const escape = method === 0 ? 15 : 31
  const partitions = 1 << bits.bits(4)
  const size = blockSize / partitions
  if (!Number.isInteger(size) || size < order) throw malformed('FLAC partitions do not fit their block')
  let at = order
  for (let p = 0; p < partitions; p++) {
    const end = (p + 1) * size
    const parameter = bits.bits(parameterBits)
    if (parameter === escape) {
      const raw = bits.bits(5)
      for (; at < end; at++) out[at] = raw === 0 ? 0 : bits.signed(raw)
    } else {
      bits.rice(out, at, end - at, parameter)
      at = end
    }
  }
}

function predict(out: Float64Array, blockSize: number, coefficients: Float64Array, shift: number): void {
  const order = coefficients.length
  if (order === 0) return
  const scale = 2 ** -shift
  for (let i = order; i < blockSize; i++) {
    let sum = 0
    for (let j = 0; j < order; j++) sum += coefficients[j]! * out[i - 1 - j]!
    out[i]! += Math.floor(sum * scale)
  }
}
