const floatScratch = new Float32Array(1)
const bitScratch = new Uint32Array(floatScratch.buffer)

/** The number of an IEEE 754 binary16 bit pattern. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Infinity
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Bit pattern of the binary16 nearest to a number, ties to even; infinite from 65520 on. */
export function toHalf(value: number): number {
  floatScratch[0] = value
  const bits = bitScratch[0]!
  const sign = (bits >>> 16) & 0x8000
  const size = Math.abs(value)
  if (Number.isNaN(size)) return sign | 0x7e00
  if (size >= 65520) return sign | 0x7c00
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24)
  // From the double itself, not from its float: rounding twice can end one step off.
  const exponent = exponentOf(size)
  // A fraction that rounds up to 1024 carries into the exponent by itself.
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024))
}

function exponentOf(size: number): number {
  const exponent = Math.floor(Math.log2(size))
  // The logarithm may round across a power of two.
  if (size < 2 ** exponent) return exponent - 1
  return size >= 2 ** (exponent + 1) ? exponent + 1 : exponent
}

function roundEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
}
