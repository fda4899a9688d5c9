import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed, unsupported } from '../errors.ts'
import { type OggPage, readOggPage, startsPage } from './page.ts'

/** One packet may hold cover art, in a comment header. */
const MAX_PACKET_BYTES = 8 * 1024 * 1024

/** A page of one logical stream with the packets that end on it. */
export interface PageOfPackets {
  readonly page: OggPage
  readonly packets: readonly Uint8Array[]
}

/**
 * The pages of the logical stream that `first` begins, in order and without gaps, to the page that
 * declares itself the last. Other streams (video, a second track) are passed over.
 *
 * @throws `AUDIO_MALFORMED`: a gap, a broken packet, or no last page (the file was cut)
 * @throws `AUDIO_UNSUPPORTED`: another recording is chained behind
 */
export async function* readLogicalStream(
  input: ByteStream,
  first: OggPage,
  early: readonly OggPage[],
): AsyncGenerator<PageOfPackets> {
  const assembler = new PacketAssembler()
  yield { page: first, packets: assembler.push(first) }
  let isEnded = first.isLast
  let sequence = first.sequence
  const queue = [...early]
  for (;;) {
    // Behind its last page a file may carry other people's tags.
    if (isEnded && queue.length === 0 && !((await input.ensure(4)) && startsPage(input.window))) break
    const page = queue.shift() ?? (await readOggPage(input))
    if (!page) break
    if (page.isFirst)
      throw unsupported('an Ogg file with several recordings in a row', 'send one recording per file')
    if (page.serial !== first.serial) continue
    if (isEnded) throw malformed('an Ogg stream goes on after its last page')
    if (page.sequence !== ++sequence) throw malformed('pages of the Ogg stream are missing')
    isEnded = page.isLast
    yield { page, packets: assembler.push(page) }
  }
  if (!isEnded) throw cutShort('the Ogg stream: its last page is missing')
}

/** Puts packets together from lacing values (RFC 3533 Section 5). */
class PacketAssembler {
  #parts: Uint8Array[] = []
  #length = 0
  #isOpen = false

  push(page: OggPage): Uint8Array[] {
    if (page.isContinued !== this.#isOpen) throw malformed('an Ogg packet is continued on the wrong page')
    const packets: Uint8Array[] = []
    let start = 0
    let end = 0
    for (const value of page.segments) {
      end += value
      this.#isOpen = value === 255
      if (this.#isOpen) continue
      packets.push(this.#finish(page.body.subarray(start, end)))
      start = end
    }
    if (start < end || this.#isOpen) this.#keep(page.body.subarray(start, end))
    return packets
  }

  #finish(tail: Uint8Array): Uint8Array {
    if (this.#parts.length === 0) return tail
    this.#keep(tail)
    const packet = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      packet.set(part, at)
      at += part.length
    }
    this.#parts = []
    this.#length = 0
    return packet
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part)
    this.#length += part.length
    if (this.#length > MAX_PACKET_BYTES) throw malformed('an Ogg packet is too large')
  }
}
