import { malformed } from '../errors.ts'
import { mixDown } from '../mix-down.ts'
import { quietly } from '../quiet.ts'

/** Decodes the packets of one Vorbis stream in order, to mono. A packet gives at most 4096 samples. */
export interface VorbisPackets {
  /** The identification header, then the setup header. */
  header(packet: Uint8Array): void
  /** After both headers. */
  start(): void
  /** @throws `AUDIO_MALFORMED`, as the others */
  decode(packet: Uint8Array): Float32Array
  free(): void
}

/** The packet interface of the pinned decoder, below its own Ogg reader, which has no bound on what it returns. */
interface VorbisCore {
  sendSetupHeader(packet: Uint8Array): void
  initDsp(): void
  decodePackets(packets: readonly Uint8Array[]): {
    channelData: Float32Array[]
    samplesDecoded: number
    sampleRate: number
  }
}

/** Starts a decoder for a stream whose identification header says this. */
export async function startVorbis(channels: number, sampleRate: number): Promise<VorbisPackets> {
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis')
  const decoder = new OggVorbisDecoder()
  await decoder.ready
  // oxlint-disable-next-line no-underscore-dangle -- see VorbisCore
  const core = (decoder as unknown as { _decoder: VorbisCore })._decoder
  return {
    header: (packet) => attempt(() => core.sendSetupHeader(packet)),
    start: () => attempt(() => core.initDsp()),
    decode(packet) {
      const decoded = attempt(() => core.decodePackets([packet]))
      if (decoded.samplesDecoded === 0) return new Float32Array(0)
      if (decoded.sampleRate !== sampleRate || decoded.channelData.length !== channels) {
        throw malformed('the Vorbis stream contradicts its header')
      }
      return mixDown(decoded.channelData)
    },
    free: () => quietly(() => decoder.free()),
  }
}

function attempt<T>(work: () => T): T {
  try {
    return quietly(work)
  } catch (cause) {
    throw malformed('the Vorbis decoder refuses a packet', { cause })
  }
}
