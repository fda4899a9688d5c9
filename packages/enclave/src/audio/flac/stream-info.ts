import type { ByteStream } from '../byte-stream.ts'
import { malformed } from '../errors.ts'

/** STREAMINFO (RFC 9639 Section 8.2). */
export interface FlacStreamInfo {
  readonly maxBlockSize: number
  /** Bytes of the largest frame; 0: not stated. */
  readonly maxFrameBytes: number
  readonly sampleRate: number
  readonly channels: number
  readonly sampleBits: number
  /** Samples per channel; 0: not stated. */
  readonly totalSamples: number
}

/** Metadata blocks we pass over; files in the wild have fewer than twenty. */
const MAX_METADATA_BLOCKS = 1024

/** Reads `fLaC` and the metadata blocks; the stream then stands at the first frame. @throws `AUDIO_MALFORMED` */
export async function readFlacMetadata(input: ByteStream): Promise<FlacStreamInfo> {
  const magic = await input.take(4, 'the FLAC header')
  if (String.fromCharCode(...magic) !== 'fLaC')
    throw malformed('the FLAC stream does not begin with its marker')
  let info: FlacStreamInfo | undefined
  for (let count = 0; count < MAX_METADATA_BLOCKS; count++) {
    const header = await input.take(4, 'the FLAC metadata')
    const isLast = (header[0]! & 0x80) !== 0
    const type = header[0]! & 0x7f
    const length = header[1]! * 65_536 + header[2]! * 256 + header[3]!
    if ((type === 0) !== (info === undefined)) throw malformed('FLAC metadata must begin with one STREAMINFO')
    if (info) await input.skip(length, 'the FLAC metadata')
    else info = parseStreamInfo(await input.take(length, 'the FLAC metadata'))
    if (isLast) return info
  }
  throw malformed('the FLAC file has too many metadata blocks')
}

function parseStreamInfo(block: Uint8Array): FlacStreamInfo {
  if (block.length !== 34) throw malformed('FLAC STREAMINFO has 34 bytes', { found: `${block.length}` })
  const view = new DataView(block.buffer, block.byteOffset)
  const maxBlockSize = view.getUint16(2)
  if (maxBlockSize < 16) throw malformed('the FLAC block size is too small', { found: `${maxBlockSize}` })
  const packed = view.getUint32(10)
  return {
    maxBlockSize,
    maxFrameBytes: view.getUint32(6) & 0xff_ffff,
    sampleRate: packed >>> 12,
    channels: ((packed >>> 9) & 7) + 1,
    sampleBits: ((packed >>> 4) & 31) + 1,
    totalSamples: (packed & 15) * 2 ** 32 + view.getUint32(14),
  }
}
