import { malformed } from '../errors.ts'
import { BitReader } from './bit-reader.ts'
import { crc16, crc8 } from './crc.ts'
import type { FlacStreamInfo } from './stream-info.ts'
import { decodeSubframe } from './subframe.ts'

/** One decoded frame, mixed to one channel. */
export interface FlacFrame {
  readonly mono: Float32Array
  /** Frame number, or number of the first sample when `isVariable`. */
  readonly number: number
  readonly isVariable: boolean
  /** Bytes the frame occupied. */
  readonly bytes: number
}

const SAMPLE_RATES = [
  0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
]
const SAMPLE_BITS = [0, 8, 12, -1, 16, 20, 24, 32]

/**
 * Decodes the frame at the beginning of `bytes` (RFC 9639 Section 9) and checks both of its CRCs.
 * `scratch` are one array per channel of at least `maxBlockSize` samples.
 *
 * @throws `AUDIO_MALFORMED`, and NeedMoreBytes when the window ends before the frame
 */
export function decodeFlacFrame(
  bytes: Uint8Array,
  info: FlacStreamInfo,
  scratch: readonly Float64Array[],
): FlacFrame {
  const bits = new BitReader(bytes)
  if (bits.bits(15) !== 0x7ffc) throw malformed('a FLAC frame does not begin with its sync code')
  const isVariable = bits.bits(1) === 1
  const sizeCode = bits.bits(4)
  const rateCode = bits.bits(4)
  const assignment = bits.bits(4)
  const widthCode = bits.bits(3)
  if (bits.bits(1) !== 0) throw malformed('a FLAC frame header has a reserved bit set')
  const number = codedNumber(bits)
  const blockSize = readBlockSize(bits, sizeCode)
  checkRate(bits, rateCode, info)
  const headerEnd = bits.byteOffset
  if (bits.bits(8) !== crc8(bytes, headerEnd)) throw malformed('a FLAC frame header fails its checksum')

  const channels = assignment < 8 ? assignment + 1 : 2
  if (assignment > 10 || channels !== info.channels)
    throw malformed('a FLAC frame changes the number of channels')
  if (widthCode !== 0 && SAMPLE_BITS[widthCode] !== info.sampleBits) {
    throw malformed('a FLAC frame changes the sample size')
  }
  if (blockSize > info.maxBlockSize) throw malformed('a FLAC block is larger than announced')

  const side = assignment === 8 ? 1 : assignment === 9 ? 0 : assignment === 10 ? 1 : -1
  for (let c = 0; c < channels; c++) {
    decodeSubframe(bits, scratch[c]!, blockSize, info.sampleBits + (c === side ? 1 : 0))
  }
  bits.alignToByte()
  const frameEnd = bits.byteOffset
  if (bits.bits(16) !== crc16(bytes, frameEnd)) throw malformed('a FLAC frame fails its checksum')
  return {
    mono: mix(scratch, channels, blockSize, assignment, info),
    number,
    isVariable,
    bytes: frameEnd + 2,
  }
}

/** Average of all channels. The four stereo modes (RFC 9639 Section 4.2) need no detour over left and right. */
function mix(
  scratch: readonly Float64Array[],
  channels: number,
  blockSize: number,
  assignment: number,
  { sampleBits }: FlacStreamInfo,
): Float32Array {
  const mono = new Float32Array(blockSize)
  const scale = 2 ** (1 - sampleBits)
  const [first, second] = scratch as readonly [Float64Array, Float64Array]
  for (let i = 0; i < blockSize; i++) {
    let sample: number
    if (assignment === 8) {
      sample = first[i]! - second[i]! / 2 // left and side: left - (left - right) / 2
    } else if (assignment === 9) {
      sample = second[i]! + first[i]! / 2 // side and right
    } else if (assignment === 10) {
      // The encoder dropped the low bit of left + right; it equals the low bit of the side.
      sample = first[i]! + (Math.abs(second[i]!) % 2) / 2
    } else {
      sample = first[i]!
      for (let c = 1; c < channels; c++) sample += scratch[c]![i]!
      sample /= channels
    }
    mono[i] = sample * scale
    // A hostile predictor can drive samples anywhere; the checksums only prove that it was meant.
    if (!(Math.abs(mono[i]!) <= 1)) throw malformed('a FLAC sample does not fit its size')
  }
  return mono
}

/** A number in the extended UTF-8 coding of RFC 9639 Section 9.1.5, up to 36 bits. */
function codedNumber(bits: BitReader): number {
  const first = bits.bits(8)
  if (first < 0x80) return first
  const length = Math.clz32(~(first << 24)) // leading ones
  if (length < 2 || length > 7) throw malformed('a FLAC frame number is badly coded')
  let value = length === 7 ? 0 : first & (0x7f >> length)
  for (let i = 1; i < length; i++) {
    const next = bits.bits(8)
    if ((next & 0xc0) !== 0x80) throw malformed('a FLAC frame number is badly coded')
    value = value * 64 + (next & 0x3f)
  }
  return value
}

function readBlockSize(bits: BitReader, code: number): number {
  if (code === 0) throw malformed('a FLAC frame has a reserved block size')
  if (code === 1) return 192
  if (code <= 5) return 144 << code
  if (code === 6) return bits.bits(8) + 1
  if (code === 7) return bits.bits(16) + 1
  return 1 << code
}

function checkRate(bits: BitReader, code: number, { sampleRate }: FlacStreamInfo): void {
  if (code === 15) throw malformed('a FLAC frame has a forbidden sample rate')
  let rate = SAMPLE_RATES[code] ?? 0
  if (code === 12) rate = bits.bits(8) * 1000
  if (code === 13) rate = bits.bits(16)
  if (code === 14) rate = bits.bits(16) * 10
  if (code !== 0 && rate !== sampleRate) throw malformed('a FLAC frame changes the sample rate')
}
