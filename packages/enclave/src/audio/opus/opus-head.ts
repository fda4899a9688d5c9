import { malformed, unsupported } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'

/** Rate of everything that counts samples around Opus, whatever the encoder was given. */
export const OPUS_RATE = 48_000

/** Identification header (RFC 7845 Section 5.1). */
export interface OpusHead {
  readonly channels: number
  /** Samples at 48 kHz to drop from the beginning. */
  readonly preSkip: number
  /** Factor for every sample. */
  readonly gain: number
  readonly streamCount: number
  readonly coupledStreamCount: number
  /** Which decoded channel feeds each output channel. */
  readonly mapping: readonly number[]
}

/** Channels of mapping family 1, the largest with a meaning for loudspeakers. */
const MAX_OPUS_CHANNELS = 8

/** Parses an identification header, from an Ogg packet or a Matroska CodecPrivate. @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED` */
export function parseOpusHead(bytes: Uint8Array, limits: AudioLimits): OpusHead {
  if (bytes.length < 19 || String.fromCharCode(...bytes.subarray(0, 8)) !== 'OpusHead') {
    throw malformed('the Opus header is missing or too short')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // The upper four bits are the major version; only 0 is defined.
  if (bytes[8]! >> 4 !== 0) throw unsupported('this version of Opus')
  const channels = bytes[9]!
  const family = bytes[18]!
  checkShape(OPUS_RATE, channels, { ...limits, maxChannels: Math.min(limits.maxChannels, MAX_OPUS_CHANNELS) })
  const common = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 5120) }
  if (family === 0) {
    if (channels > 2) throw malformed('an Opus file of mapping family 0 has more than two channels')
    return {
      ...common,
      streamCount: 1,
      coupledStreamCount: channels - 1,
      mapping: channels === 1 ? [0] : [0, 1],
    }
  }
  if (family !== 1 && family !== 255) throw unsupported(`Opus channel mapping family ${family}`)
  if (bytes.length < 21 + channels) throw malformed('the Opus channel mapping is too short')
  const [streamCount, coupledStreamCount] = [bytes[19]!, bytes[20]!]
  const mapping = [...bytes.subarray(21, 21 + channels)]
  const decoded = streamCount + coupledStreamCount
  if (streamCount === 0 || coupledStreamCount > streamCount || decoded > MAX_OPUS_CHANNELS) {
    throw malformed('the Opus stream counts are impossible')
  }
  // 255 names a silent channel, which has no place in a mix of one.
  if (!mapping.every((channel) => channel < decoded)) throw unsupported('an Opus file with silent channels')
  return { ...common, streamCount, coupledStreamCount, mapping }
}
