import { malformed } from '../errors.ts'
import { parseVint } from './ebml.ts'

/** Frames one block may carry: their count is one byte. */
const LACING_XIPH = 1
const LACING_FIXED = 2

/** Number of the track a block belongs to, and where its payload begins; undefined when cut. */
export function blockTrack(bytes: Uint8Array): { track: number; offset: number } | undefined {
  const track = parseVint(bytes, 0)
  return track && { track: track.value, offset: track.length }
}

/**
 * Frames of a Block or SimpleBlock (RFC 9559 Section 10), from behind the track number: relative
 * timestamp, flags, frames. @throws `AUDIO_MALFORMED`
 */
export function parseBlockFrames(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < 3) throw malformed('a Matroska block is too short')
  const lacing = (bytes[2]! >> 1) & 3
  if (lacing === 0) return [bytes.subarray(3)]
  const count = (bytes[3] ?? 0) + 1
  const { sizes, offset } = lacedSizes(bytes, lacing, count)
  const frames: Uint8Array[] = []
  let at = offset
  for (let i = 0; i < count; i++) {
    const end = i < sizes.length ? at + sizes[i]! : bytes.length
    if (end > bytes.length || end < at) throw malformed('the frames of a Matroska block do not fit it')
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}

/** Sizes of all frames but the last, which takes what remains. */
function lacedSizes(bytes: Uint8Array, lacing: number, count: number): { sizes: number[]; offset: number } {
  let offset = 4
  const sizes: number[] = []
  if (lacing === LACING_FIXED) {
    const size = (bytes.length - offset) / count
    if (!Number.isInteger(size) || size < 0) throw malformed('the frames of a Matroska block do not fit it')
    return { sizes: Array.from({ length: count - 1 }, () => size), offset }
  }
  while (sizes.length < count - 1) {
    if (lacing === LACING_XIPH) {
      let size = 0
      let byte: number | undefined
      do {
        byte = bytes[offset++]
        size += byte ?? 0
      } while (byte === 255)
      sizes.push(size)
    } else {
      const vint = parseVint(bytes, offset)
      if (!vint) throw malformed('the frames of a Matroska block do not fit it')
      offset += vint.length
      // After the first, EBML lacing codes differences, shifted to be positive.
      const bias = 2 ** (7 * vint.length - 1) - 1
      sizes.push(sizes.length === 0 ? vint.value : sizes.at(-1)! + vint.value - bias)
    }
  }
  return { sizes, offset }
}
