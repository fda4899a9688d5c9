import { malformed, unsupported } from '../errors.ts'
import type { AudioLimits } from '../limits.ts'
import { type OpusHead, parseOpusHead } from '../opus/opus-head.ts'
import { type EbmlElement, ebmlUint, parseEbmlChildren } from './ebml.ts'

/** The audio track we decode. */
export interface OpusTrack {
  readonly number: number
  readonly head: OpusHead
}

/** Ids of RFC 9559 Section 5.1.4. */
const TRACK_ENTRY = 0xae
const TRACK_NUMBER = 0xd7
const CODEC_ID = 0x86
const CODEC_PRIVATE = 0x63a2
const CONTENT_ENCODINGS = 0x6d80

/** Codec names we may quote back: the file could hold anything else. */
const QUOTABLE = /^[A-Z0-9_/.]{1,32}$/

/**
 * The first Opus track among `Tracks`.
 *
 * @throws `AUDIO_UNSUPPORTED`: other codecs, or a compressed or encrypted track; `AUDIO_MALFORMED`
 */
export function findOpusTrack(tracks: Uint8Array, limits: AudioLimits): OpusTrack {
  const others: string[] = []
  for (const { id, data } of parseEbmlChildren(tracks)) {
    if (id !== TRACK_ENTRY) continue
    const entry = parseEbmlChildren(data)
    const codec = String.fromCharCode(...(child(entry, CODEC_ID) ?? []).slice(0, 64))
    if (codec !== 'A_OPUS') {
      others.push(QUOTABLE.test(codec) ? codec : 'unnamed')
      continue
    }
    if (child(entry, CONTENT_ENCODINGS)) throw unsupported('a compressed or encrypted Matroska track')
    const header = child(entry, CODEC_PRIVATE)
    if (!header) throw malformed('the Opus track has no header')
    return {
      number: ebmlUint(child(entry, TRACK_NUMBER) ?? new Uint8Array(0)),
      head: parseOpusHead(header, limits),
    }
  }
  throw unsupported(
    `WebM or Matroska with ${others.slice(0, 4).join(', ') || 'no tracks'}`,
    'record WebM with Opus sound',
  )
}

function child(children: readonly EbmlElement[], id: number): Uint8Array | undefined {
  return children.find((element) => element.id === id)?.data
}
