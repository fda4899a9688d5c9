import { malformed } from '../errors.ts'
import type { OggPage } from './page.ts'

/**
 * Cuts decoded sound to what page positions say is real: encoders pad the beginning and the end.
 * Counts are samples at the decoded rate.
 */
export class PageTrim {
  readonly #unitsPerSample: number
  #toSkip: number
  #origin: number | undefined
  #decoded = 0

  /** @param skip samples to drop from the beginning in any case (Opus pre-skip) */
  constructor(unitsPerSample: number, skip: number) {
    this.#unitsPerSample = unitsPerSample
    this.#toSkip = skip
  }

  /** What to keep of the blocks that ended on this page. @throws `AUDIO_MALFORMED` */
  *push(blocks: readonly Float32Array[], { granule, isLast }: OggPage): Generator<Float32Array> {
    const length = blocks.reduce((sum, block) => sum + block.length, 0)
    const excess =
      granule === undefined ? 0 : this.#excess(length, Math.round(granule / this.#unitsPerSample), isLast)
    if (excess > length) throw malformed('the Ogg stream ends before its last page')
    this.#decoded += length
    let room = length - excess
    for (const block of blocks) {
      const skipped = Math.min(this.#toSkip, block.length)
      this.#toSkip -= skipped
      const kept = block.subarray(skipped, Math.max(skipped, room))
      room = Math.max(0, room - block.length)
      if (kept.length > 0) yield kept
    }
  }

  #excess(length: number, position: number, isLast: boolean): number {
    const end = this.#decoded + length
    if (this.#origin === undefined && length > 0) {
      // A live capture begins above zero. On a page that is the last as well, the end was cut, not the beginning.
      this.#origin = isLast ? 0 : Math.max(0, position - end)
    }
    return isLast ? Math.max(0, end - (position - (this.#origin ?? 0))) : 0
  }
}
