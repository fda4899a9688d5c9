/** What a four-byte MPEG audio frame header says (ISO/IEC 11172-3 Section 2.4.1.3, 13818-3, and MPEG 2.5). */
export interface MpegFrameHeader {
  /** 1, 2, or 2.5. */
  readonly version: 1 | 2 | 2.5
  readonly layer: 1 | 2 | 3
  readonly sampleRate: number
  readonly channels: 1 | 2
  /** Bytes of the whole frame, this header included. */
  readonly frameBytes: number
  /** Samples per channel. */
  readonly samples: number
  readonly hasCrc: boolean
}

/** No header describes a longer frame: MPEG 2.5 Layer II with 160 kbit/s at 8 kHz has 2881 bytes. */
export const MAX_MPEG_FRAME_BYTES = 4096

const BITRATES_V1: Readonly<Record<1 | 2 | 3, readonly number[]>> = {
  1: [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  2: [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  3: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
}
const BITRATES_V2: Readonly<Record<1 | 2 | 3, readonly number[]>> = {
  1: [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  3: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
}
const SAMPLE_RATES = [44_100, 48_000, 32_000]

/** Parses the header at `offset`; undefined for bytes that begin no frame, and for free-format frames. */
export function parseMpegHeader(bytes: Uint8Array, offset: number): MpegFrameHeader | undefined {
  if (offset + 4 > bytes.length) return undefined
  const [b1, b2, b3] = [bytes[offset + 1]!, bytes[offset + 2]!, bytes[offset + 3]!]
  if (bytes[offset] !== 0xff || (b1 & 0xe0) !== 0xe0) return undefined
  const versionBits = (b1 >> 3) & 3
  const layerBits = (b1 >> 1) & 3
  const bitrateIndex = b2 >> 4
  const rateIndex = (b2 >> 2) & 3
  if (versionBits === 1 || layerBits === 0 || rateIndex === 3 || bitrateIndex === 0 || bitrateIndex === 15) {
    return undefined
  }
  const version = versionBits === 3 ? 1 : versionBits === 2 ? 2 : 2.5
  const layer = (4 - layerBits) as 1 | 2 | 3
  const bitrate = (version === 1 ? BITRATES_V1 : BITRATES_V2)[layer][bitrateIndex - 1]! * 1000
  const sampleRate = SAMPLE_RATES[rateIndex]! / (version === 1 ? 1 : version === 2 ? 2 : 4)
  const padding = (b2 >> 1) & 1
  const samples = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152
  const slot = layer === 1 ? 4 : 1
  const frameBytes = (Math.floor(((samples / 8) * bitrate) / sampleRate / slot) + padding) * slot
  return {
    version,
    layer,
    sampleRate,
    channels: b3 >> 6 === 3 ? 1 : 2,
    frameBytes,
    samples,
    hasCrc: (b1 & 1) === 0,
  }
}

/** Whether two frames can follow each other in one stream. Bit rate and stereo mode may vary, these may not. */
export function continuesStream(a: MpegFrameHeader, b: MpegFrameHeader): boolean {
  return a.version === b.version && a.layer === b.layer && a.sampleRate === b.sampleRate
}

/**
 * Number of frames that the first frame announces in a Xing, Info or VBRI header, when it holds one.
 * Such a frame has no sound of its own.
 */
export function announcedFrames(frame: Uint8Array, header: MpegFrameHeader): { frames?: number } | undefined {
  if (header.layer !== 3) return undefined
  const sideInfo = header.version === 1 ? (header.channels === 1 ? 17 : 32) : header.channels === 1 ? 9 : 17
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const tag = (at: number): string => String.fromCharCode(...frame.subarray(at, at + 4))
  // LAME puts the tag behind the side information and counts no CRC; some encoders count it.
  for (const at of [4 + sideInfo, 6 + sideInfo]) {
    if (tag(at) !== 'Xing' && tag(at) !== 'Info') continue
    const hasFrames = at + 12 <= frame.length && (view.getUint32(at + 4) & 1) === 1
    return hasFrames ? { frames: view.getUint32(at + 8) } : {}
  }
  if (tag(36) === 'VBRI') return frame.length >= 54 ? { frames: view.getUint32(50) } : {}
  return undefined
}
