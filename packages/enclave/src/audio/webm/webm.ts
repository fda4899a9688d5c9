import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'
import { type AudioLimits, OUTPUT_SAMPLE_RATE } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import { OPUS_RATE } from '../opus/opus-head.ts'
import { OPUS_DECIMATION, startOpus } from '../opus/opus-packets.ts'
import { blockTrack, parseBlockFrames } from './block.ts'
import { type EbmlHead, ebmlInt, readEbmlHead } from './ebml.ts'
import { findOpusTrack, type OpusTrack } from './tracks.ts'

/** Ids of RFC 8794 and RFC 9559. */
const EBML = 0x1a45_dfa3
const SEGMENT = 0x1853_8067
const TRACKS = 0x1654_ae6b
const CLUSTER = 0x1f43_b675
const BLOCK_GROUP = 0xa0
const BLOCK = 0xa1
const SIMPLE_BLOCK = 0xa3
const DISCARD_PADDING = 0x75a2

/** Bytes of the list of tracks and of one audio block that we are willing to hold. */
const MAX_TRACKS_BYTES = 1024 * 1024
const MAX_BLOCK_BYTES = 1024 * 1024

/** One audio block, and what the file says to drop from its end. */
interface AudioBlock {
  readonly frames: readonly Uint8Array[]
  discardNanoseconds: number
}

/**
 * Opens WebM or Matroska with an Opus track: what browsers record. Video tracks are passed over
 * without being held.
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export async function openWebm(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  const header = await readEbmlHead(input)
  if (header?.id !== EBML || !Number.isFinite(header.size)) throw malformed('the Matroska header is missing')
  await input.skip(header.size, 'the Matroska header')
  const reader = new MasterReader(input)
  for (;;) {
    const element = await reader.next()
    if (!element) throw cutShort('the Matroska file, before its tracks')
    if (element.id === CLUSTER) throw malformed('the Matroska file has sound before its tracks')
    if (element.id !== TRACKS) {
      await reader.pass(element)
      continue
    }
    if (element.size > MAX_TRACKS_BYTES) throw malformed('the Matroska list of tracks is too long')
    const track = findOpusTrack((await input.take(element.size, 'the Matroska tracks')).slice(), limits)
    return {
      format: 'webm',
      codec: 'opus',
      sampleRate: OPUS_RATE,
      channels: track.head.channels,
      decodedRate: OPUS_RATE / OPUS_DECIMATION,
      blocks: () => decodeTrack(input, reader, track),
    }
  }
}

async function* decodeTrack(
  input: ByteStream,
  reader: MasterReader,
  track: OpusTrack,
): AsyncGenerator<Float32Array> {
  const opus = await startOpus(track.head)
  try {
    let toSkip = Math.round(track.head.preSkip / OPUS_DECIMATION)
    for await (const { frames, discardNanoseconds } of readBlocks(input, reader, track.number)) {
      let excess = Math.round((discardNanoseconds / 1e9) * OUTPUT_SAMPLE_RATE)
      const blocks = frames.map((frame) => opus.decode(frame))
      for (let i = blocks.length - 1; i >= 0 && excess > 0; i--) {
        const dropped = Math.min(excess, blocks[i]!.length)
        blocks[i] = blocks[i]!.subarray(0, blocks[i]!.length - dropped)
        excess -= dropped
      }
      for (const block of blocks) {
        const skipped = Math.min(toSkip, block.length)
        toSkip -= skipped
        if (skipped < block.length) yield block.subarray(skipped)
      }
    }
  } finally {
    opus.free()
  }
}

/** Blocks of one track. Each waits for what follows it: DiscardPadding comes behind its block. */
async function* readBlocks(
  input: ByteStream,
  reader: MasterReader,
  wanted: number,
): AsyncGenerator<AudioBlock> {
  let held: AudioBlock | undefined
  for (;;) {
    const element = await reader.next()
    if (!element) break
    const { id, size } = element
    if (id === EBML) throw malformed('the Matroska file contains another one')
    if (id === DISCARD_PADDING && size <= 8) {
      // Negative values would add sound; that of a group without our block falls on the one before, by at most a frame.
      const padding = ebmlInt(await input.take(size, 'a Matroska block'))
      if (held) held.discardNanoseconds = Math.max(0, padding)
    } else if (id === SIMPLE_BLOCK || id === BLOCK) {
      await input.ensure(Math.min(8, size))
      const track = blockTrack(input.window.subarray(0, Math.min(8, size)))
      if (!track) throw malformed('a Matroska block is too short')
      if (track.track !== wanted) {
        await reader.pass(element)
        continue
      }
      if (size > MAX_BLOCK_BYTES) throw malformed('a Matroska audio block is too large')
      if (held) yield held
      const bytes = (await input.take(size, 'a Matroska block')).slice(track.offset)
      held = { frames: parseBlockFrames(bytes), discardNanoseconds: 0 }
    } else {
      await reader.pass(element)
    }
  }
  if (held) yield held
}

/**
 * Reads elements as one flat sequence, entering segments, clusters and groups: ids are unique across
 * levels, and live recordings state no sizes for those. What does state a size must reach it.
 */
class MasterReader {
  readonly #input: ByteStream
  #mustReach = 0

  constructor(input: ByteStream) {
    this.#input = input
  }

  async next(): Promise<EbmlHead | undefined> {
    const head = await readEbmlHead(this.#input)
    if (head) return head
    if (this.#input.position < this.#mustReach) throw cutShort('the Matroska file')
    return undefined
  }

  /** Enters a master element whose children matter here, skips any other element. */
  async pass({ id, size }: EbmlHead): Promise<void> {
    if (id === SEGMENT || id === CLUSTER || id === BLOCK_GROUP) {
      if (Number.isFinite(size)) this.#mustReach = Math.max(this.#mustReach, this.#input.position + size)
      return
    }
    if (!Number.isFinite(size)) throw malformed('a Matroska element has no size')
    await this.#input.skip(size, 'a Matroska element')
  }
}
