import { cutShort, malformed } from '../errors.ts'
import type { AudioLimits } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import { OPUS_RATE, type OpusHead, parseOpusHead } from '../opus/opus-head.ts'
import { OPUS_DECIMATION, startOpus } from '../opus/opus-packets.ts'
import type { PageOfPackets } from './logical-stream.ts'
import { PageTrim } from './page-trim.ts'

/** Opens Opus in Ogg (RFC 7845). @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED` */
export async function openOggOpus(
  stream: AsyncGenerator<PageOfPackets>,
  limits: AudioLimits,
): Promise<OpenAudio> {
  const first = await stream.next()
  const packet = first.done ? undefined : first.value.packets[0]
  if (!packet || first.value.packets.length !== 1)
    throw malformed('the Opus header does not have a page of its own')
  const head = parseOpusHead(packet, limits)
  return {
    format: 'ogg',
    codec: 'opus',
    sampleRate: OPUS_RATE,
    channels: head.channels,
    decodedRate: OPUS_RATE / OPUS_DECIMATION,
    blocks: () => decodeStream(stream, head),
  }
}

async function* decodeStream(
  stream: AsyncGenerator<PageOfPackets>,
  head: OpusHead,
): AsyncGenerator<Float32Array> {
  await skipTags(stream)
  const opus = await startOpus(head)
  try {
    const trim = new PageTrim(OPUS_DECIMATION, Math.round(head.preSkip / OPUS_DECIMATION))
    for await (const { page, packets } of stream) {
      yield* trim.push(
        packets.map((packet) => opus.decode(packet)),
        page,
      )
    }
  } finally {
    opus.free()
  }
}

/** Passes over the comment header, which has pages of its own (RFC 7845 Section 3). */
async function skipTags(stream: AsyncGenerator<PageOfPackets>): Promise<void> {
  for (;;) {
    const { done, value } = await stream.next()
    if (done) throw cutShort('the Opus headers')
    if (value.packets.length > 1) throw malformed('the Opus comment header shares a page with sound')
    const [tags] = value.packets
    if (!tags) continue
    if (String.fromCharCode(...tags.subarray(0, 8)) !== 'OpusTags')
      throw malformed('the Opus comment header is missing')
    return
  }
}
