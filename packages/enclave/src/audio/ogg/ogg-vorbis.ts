import { malformed } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import type { PageOfPackets } from './logical-stream.ts'
import { PageTrim } from './page-trim.ts'
import { startVorbis, type VorbisPackets } from './vorbis-packets.ts'

/** More channels have no defined layout (Vorbis I, Section 4.3.9). */
const MAX_VORBIS_CHANNELS = 8

/** Opens Vorbis in Ogg (Vorbis I, Section 4.2 and Appendix A). @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED` */
export async function openOggVorbis(
  stream: AsyncGenerator<PageOfPackets>,
  limits: AudioLimits,
): Promise<OpenAudio> {
  const first = await stream.next()
  const header = first.done ? undefined : first.value.packets[0]
  if (!header || header.length !== 30) throw malformed('the Vorbis identification header has 30 bytes')
  const view = new DataView(header.buffer, header.byteOffset)
  if (view.getUint32(7, true) !== 0) throw malformed('the Vorbis version is not 0')
  const channels = header[11]!
  const sampleRate = view.getUint32(12, true)
  const [small, large] = [header[28]! & 15, header[28]! >> 4]
  if (small < 6 || large > 13 || small > large) throw malformed('the Vorbis block sizes are impossible')
  checkShape(sampleRate, channels, {
    ...limits,
    maxChannels: Math.min(limits.maxChannels, MAX_VORBIS_CHANNELS),
  })
  return {
    format: 'ogg',
    codec: 'vorbis',
    sampleRate,
    channels,
    decodedRate: sampleRate,
    blocks: () => decodeStream(header, stream, channels, sampleRate),
  }
}

async function* decodeStream(
  identification: Uint8Array,
  stream: AsyncGenerator<PageOfPackets>,
  channels: number,
  sampleRate: number,
): AsyncGenerator<Float32Array> {
  const vorbis = await startVorbis(channels, sampleRate)
  try {
    vorbis.header(identification)
    const trim = new PageTrim(1, 0, true)
    let headers = 0
    let packetsOfSound = 0
    let samples = 0
    for await (const { page, packets } of stream) {
      const blocks: Float32Array[] = []
      for (const packet of packets) {
        if (headers < 2) readHeader(vorbis, packet, headers++)
        else blocks.push(vorbis.decode(packet))
      }
      packetsOfSound += blocks.length
      samples += blocks.reduce((sum, block) => sum + block.length, 0)
      yield* trim.push(blocks, page)
    }
    // The decoder says nothing about packets it cannot read. The first one never gives sound.
    if (packetsOfSound > 1 && samples === 0)
      throw malformed('the Vorbis decoder understands none of the packets')
  } finally {
    vorbis.free()
  }
}

/** The comment header (type 3) is only checked to be there; the setup header (type 5) is the decoder's. */
function readHeader(vorbis: VorbisPackets, packet: Uint8Array, index: number): void {
  const expected = index === 0 ? '\x03vorbis' : '\x05vorbis'
  if (String.fromCharCode(...packet.subarray(0, 7)) !== expected)
    throw malformed('a Vorbis header is missing')
  if (index === 0) return
  vorbis.header(packet)
  vorbis.start()
}
