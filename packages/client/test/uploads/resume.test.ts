import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import {
  partsOf,
  resumeUpload,
  type UploadProgress,
  type UploadSource,
  type UploadTarget,
} from '../../src/uploads/index.ts'

const CONTENT = Uint8Array.from({ length: 100 }, (_, at) => at)
const sourceOf = (content: Uint8Array, chunk: number): UploadSource => ({
  bytes: content.length,
  async *read(from) {
    for (let at = from; at < content.length; at += chunk) yield content.subarray(at, at + chunk)
  },
})
const SOURCE = sourceOf(CONTENT, 7)

describe('the parts of a file', () => {
  it('are its bytes from anywhere on, each of the same length but the last', async () => {
    const places = fc.tuple(
      fc.nat({ max: 99 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 120 }),
    )
    await fc.assert(
      fc.asyncProperty(places, async ([from, partBytes, chunk]) => {
        const parts = await Array.fromAsync(partsOf(sourceOf(CONTENT, chunk), from, partBytes))
        expect(concat(...parts)).toEqual(CONTENT.subarray(from))
        expect(new Set(parts.slice(0, -1).map(({ length }) => length)).size).toBeLessThanOrEqual(1)
        expect(parts.every(({ length }) => length > 0 && length <= partBytes)).toBe(true)
      }),
    )
  })

  it('are one of nothing at the end', async () => {
    expect(await Array.fromAsync(partsOf(SOURCE, 100, 10))).toEqual([new Uint8Array()])
  })

  it('end with a source that ends early, and leave out what one has too much', async () => {
    const short = { ...sourceOf(CONTENT.subarray(0, 25), 7), bytes: 100 }
    expect((await Array.fromAsync(partsOf(short, 0, 10))).map(({ length }) => length)).toEqual([10, 10])
    const long = { ...SOURCE, bytes: 15 }
    expect(concat(...(await Array.fromAsync(partsOf(long, 0, 10))))).toEqual(CONTENT.subarray(0, 15))
  })
})

/** A keeper in memory; `faults` says what each request meets, one after the other. */
function keeperOf(
  faults: (Error | undefined)[] = [],
): UploadTarget<UploadProgress> & { kept: Uint8Array; begun: number } {
  const next = (): void => {
    const fault = faults.shift()
    if (fault !== undefined) throw fault
  }
  const state = (): UploadProgress => ({
    offset: keeper.kept.length,
    complete: keeper.kept.length === CONTENT.length,
  })
  const keeper = {
    kept: new Uint8Array(),
    begun: 0,
    async begin() {
      keeper.begun++
      next()
      return state()
    },
    async append(_state: UploadProgress, part: Uint8Array) {
      next()
      keeper.kept = concat(keeper.kept, part) as Uint8Array<ArrayBuffer>
      return state()
    },
    isPassing: ({ code }: SottoError) => (code === 'ELSEWHERE' ? ('now' as const) : undefined),
    stalled: () => new Error('stalled'),
  }
  return keeper
}
const busy = new SottoError('BUSY', 'retry', 'busy')
const elsewhere = new SottoError('ELSEWHERE', 'fix-input', 'elsewhere')
const refused = new SottoError('REFUSED', 'fix-input', 'refused')
const OPTIONS = { partBytes: 10, pauseMs: 0 }

describe('an upload', () => {
  it('is begun again after what passes, also where that fails', async () => {
    const keeper = keeperOf([undefined, undefined, busy, busy, busy, undefined])
    await resumeUpload(keeper, SOURCE, OPTIONS)
    expect(keeper.kept).toEqual(CONTENT)
    expect(keeper.begun).toBe(4)
  })

  it('waits twice as long each time, but where there is nothing to wait for', async () => {
    const started = performance.now()
    await resumeUpload(keeperOf([undefined, busy, undefined, busy, undefined]), SOURCE, {
      ...OPTIONS,
      pauseMs: 20,
    })
    expect(performance.now() - started).toBeGreaterThanOrEqual(55)
    await resumeUpload(keeperOf([undefined, elsewhere, undefined, elsewhere]), SOURCE, {
      ...OPTIONS,
      pauseMs: 60_000,
    })
  })

  it('counts failures from the last byte that was new', async () => {
    const five = [undefined, ...Array.from({ length: 5 }, () => busy)]
    const keeper = keeperOf([...five, ...five, undefined, undefined])
    // Nothing new between the failures; below, one part comes through.
    keeper.kept = CONTENT.slice(0, 10)
    await expect(resumeUpload(keeper, SOURCE, OPTIONS)).rejects.toThrow(busy)
    const spread = keeperOf([...five, undefined, undefined, ...five.slice(1), undefined])
    await resumeUpload(spread, SOURCE, OPTIONS)
    expect(spread.kept).toEqual(CONTENT)
  })

  it('ends at once where it fails for good, and where it cannot begin', async () => {
    const keeper = keeperOf([undefined, undefined, refused])
    await expect(resumeUpload(keeper, SOURCE, OPTIONS)).rejects.toThrow(refused)
    expect([keeper.begun, keeper.kept.length]).toEqual([1, 10])
    await expect(resumeUpload(keeperOf([busy]), SOURCE, OPTIONS)).rejects.toThrow(busy)
    await expect(resumeUpload(keeperOf([undefined, new TypeError('bug')]), SOURCE, OPTIONS)).rejects.toThrow(
      'bug',
    )
  })

  it('ends with the reason of its signal', async () => {
    const ending = new AbortController()
    const keeper = keeperOf([undefined, undefined, busy])
    const ended = resumeUpload(keeper, SOURCE, {
      partBytes: 10,
      pauseMs: 60_000,
      signal: ending.signal,
      onBytes: () => setTimeout(() => ending.abort(new Error('enough'))),
    })
    await expect(ended).rejects.toThrow('enough')
  })

  it('of a source that ends early is given up', async () => {
    const short = { ...sourceOf(CONTENT.subarray(0, 25), 7), bytes: 100 }
    await expect(resumeUpload(keeperOf(), short, OPTIONS)).rejects.toThrow('stalled')
  })
})
