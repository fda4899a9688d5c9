import { be, bytesOf } from './bytes.ts'

/** How each channel of a frame is coded. */
export type FlacCoding = 'constant' | 'verbatim' | 'fixed' | 'linear'

/** A file to write. Samples are integers of `sampleBits` bits, one array per channel. */
export interface FlacOptions {
  channels: readonly (readonly number[])[]
  sampleBits: number
  sampleRate?: number
  blockSize?: number
  coding?: FlacCoding
  /** Stereo decorrelation; independent channels by default. */
  stereo?: 'left-side' | 'side-right' | 'mid-side'
  /** Low zero bits to code as wasted. */
  wastedBits?: number
  totalSamples?: number
}

/** Writes a FLAC file from the standard (RFC 9639), as simply as it allows. */
export function writeFlac(options: FlacOptions): Uint8Array<ArrayBuffer> {
  const { channels, sampleBits, sampleRate = 16_000, blockSize = 64 } = options
  const length = channels[0]!.length
  const total = options.totalSamples ?? length
  const info = new BitWriter()
  info.put(blockSize, 16).put(blockSize, 16).put(0, 24).put(0, 24)
  info
    .put(sampleRate, 20)
    .put(channels.length - 1, 3)
    .put(sampleBits - 1, 5)
    .put(total, 36)
  const frames: Uint8Array[] = []
  for (let at = 0, number = 0; at < length; at += blockSize, number++) {
    const block = channels.map((channel) => channel.slice(at, at + blockSize))
    frames.push(writeFrame(block, number, options))
  }
  const comment = bytesOf(0x84, be(8, 3), new Uint8Array(8))
  return bytesOf('fLaC', 0, be(34, 3), info.bytes(), new Uint8Array(16), comment, ...frames)
}

/** A frame that stands for `blockSize` equal samples in about a dozen bytes. */
export function writeConstantFrame(blockSize: number, number: number, sampleBits: number): Uint8Array {
  return writeFrame([Array<number>(blockSize).fill(1)], number, {
    channels: [],
    sampleBits,
    coding: 'constant',
  })
}

function writeFrame(block: readonly (readonly number[])[], number: number, options: FlacOptions): Uint8Array {
  const { sampleBits, stereo, coding = 'verbatim', wastedBits = 0 } = options
  const size = block[0]!.length
  const assignment = stereo ? { 'left-side': 8, 'side-right': 9, 'mid-side': 10 }[stereo] : block.length - 1
  const bits = new BitWriter()
  bits.put(0x7ffc, 15).put(0, 1).put(7, 4).put(0, 4).put(assignment, 4).put(0, 3).put(0, 1)
  putNumber(bits, number)
  bits.put(size - 1, 16)
  bits.put(crc(bits.bytes(), 8, 0x07), 8)

  const [left = [], right = []] = block
  const side = left.map((value, i) => value - (right[i] ?? 0))
  const mid = left.map((value, i) => Math.floor((value + (right[i] ?? 0)) / 2))
  const coded = stereo
    ? { 'left-side': [left, side], 'side-right': [side, right], 'mid-side': [mid, side] }[stereo]
    : block
  coded.forEach((samples) =>
    putSubframe(bits, samples, sampleBits + (samples === side ? 1 : 0), coding, wastedBits),
  )
  const body = bits.bytes()
  return bytesOf(body, be(crc(body, 16, 0x8005), 2))
}

function putSubframe(
  bits: BitWriter,
  all: readonly number[],
  sampleBits: number,
  coding: FlacCoding,
  wasted: number,
): void {
  const samples = all.map((sample) => sample / 2 ** wasted)
  const width = sampleBits - wasted
  const order = coding === 'fixed' || coding === 'linear' ? Math.min(2, samples.length - 1) : 0
  const type = { constant: 0, verbatim: 1, fixed: 8 + order, linear: 31 + order }[coding]
  bits.put(0, 1).put(order === 0 && coding === 'linear' ? 8 : type, 6)
  if (wasted > 0)
    bits
      .put(1, 1)
      .put(0, wasted - 1)
      .put(1, 1)
  else bits.put(0, 1)
  if (coding === 'constant') return void bits.put(samples[0]!, width)
  if (coding === 'verbatim') return samples.forEach((sample) => void bits.put(sample, width))

  for (const sample of samples.slice(0, order)) bits.put(sample, width)
  // 2x - y, as a fixed predictor of order 2 does it; linear says the same with a shift of 3.
  const weights = order === 2 ? [2, -1] : order === 1 ? [1] : []
  if (coding === 'linear' && order > 0) {
    bits.put(5, 4).put(3, 5)
    for (const weight of weights) bits.put(weight * 8, 6)
  }
  const residuals = samples
    .slice(order)
    .map(
      (sample, i) =>
        sample - weights.reduce((sum, weight, j) => sum + weight * samples[order + i - 1 - j]!, 0),
    )
  putResiduals(bits, residuals)
}

/** One Rice partition; one escaped partition when a residual is too wide for that. */
function putResiduals(bits: BitWriter, residuals: readonly number[]): void {
  const largest = Math.max(0, ...residuals.map((value) => (value < 0 ? -value * 2 - 1 : value * 2)))
  const parameter = Math.max(0, Math.ceil(Math.log2(largest + 1)) - 2)
  if (parameter > 25) {
    bits.put(1, 2).put(0, 4).put(31, 5).put(31, 5)
    for (const value of residuals) bits.put(value, 31)
    return
  }
  bits.put(1, 2).put(0, 4).put(parameter, 5)
  for (const value of residuals) {
    const folded = value < 0 ? -value * 2 - 1 : value * 2
    bits
      .put(0, Math.floor(folded / 2 ** parameter))
      .put(1, 1)
      .put(folded % 2 ** parameter, parameter)
  }
}

function putNumber(bits: BitWriter, number: number): void {
  if (number < 0x80) return void bits.put(number, 8)
  if (number >= 0x800)
    return void bits
      .put(0xe0 | (number >> 12), 8)
      .put(0x80 | ((number >> 6) & 63), 8)
      .put(0x80 | (number & 63), 8)
  bits.put(0xc0 | (number >> 6), 8).put(0x80 | (number & 63), 8)
}

function crc(bytes: Uint8Array, width: 8 | 16, polynomial: number): number {
  const top = 2 ** (width - 1)
  let value = 0
  for (const byte of bytes) {
    value ^= byte << (width - 8)
    for (let bit = 0; bit < 8; bit++)
      value = value & top ? ((value << 1) ^ polynomial) & (2 * top - 1) : value << 1
  }
  return value
}

class BitWriter {
  readonly #bits: number[] = []

  put(value: number, count: number): this {
    for (let i = count - 1; i >= 0; i--) this.#bits.push(Math.floor(value / 2 ** i) & 1)
    return this
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(Math.ceil(this.#bits.length / 8))
    this.#bits.forEach((bit, i) => (out[i >> 3]! |= bit << (7 - (i & 7))))
    return out
  }
}
