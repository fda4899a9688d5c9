import { malformed } from '../errors.ts'
import { OUTPUT_SAMPLE_RATE } from '../limits.ts'
import { mixDown } from '../mix-down.ts'
import { quietly } from '../quiet.ts'
import { OPUS_RATE, type OpusHead } from './opus-head.ts'

/** Samples at 48 kHz for one that we decode: Opus decoders give 16 kHz directly. */
export const OPUS_DECIMATION: number = OPUS_RATE / OUTPUT_SAMPLE_RATE

/** Largest packet the decoder's buffer takes, per channel: 256 kbit/s for 120 ms. */
const MAX_PACKET_BYTES_PER_CHANNEL = 3840

/** Decodes the packets of one stream in order, to mono at 16 kHz. A packet is at most 120 ms. */
export interface OpusPackets {
  /** @throws `AUDIO_MALFORMED` */
  decode(packet: Uint8Array): Float32Array
  free(): void
}

/** Starts a decoder. Pre-skip and the cut at the end are the container's business. */
export async function startOpus(head: OpusHead): Promise<OpusPackets> {
  // Loaded when needed: most recordings need none of the WebAssembly decoders.
  const { OpusDecoder } = await import('opus-decoder')
  const decoder = new OpusDecoder({
    sampleRate: OUTPUT_SAMPLE_RATE,
    channels: head.channels,
    streamCount: head.streamCount,
    coupledStreamCount: head.coupledStreamCount,
    channelMappingTable: [...head.mapping],
    preSkip: 0,
  })
  await decoder.ready
  return {
    decode(packet) {
      // An empty packet would make the decoder invent sound for a lost one.
      if (packet.length === 0 || packet.length > MAX_PACKET_BYTES_PER_CHANNEL * head.channels) {
        throw malformed('an Opus packet has an impossible size', { found: `${packet.length} bytes` })
      }
      const { channelData, errors } = quietly(() => decoder.decodeFrame(packet))
      if (errors.length > 0) throw malformed('the Opus decoder refuses a packet')
      const mono = mixDown(channelData)
      if (head.gain !== 1) for (let i = 0; i < mono.length; i++) mono[i]! *= head.gain
      return mono
    },
    free: () => decoder.free(),
  }
}
