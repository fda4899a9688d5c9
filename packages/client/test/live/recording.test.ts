import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { openRecording, type Recording } from '../../src/live/recording.ts'
import { wavHeader } from '../../src/live/wav-stream.ts'

const RATE = 16_000
const HEADER = wavHeader(RATE).length
const open = (audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>, rate?: number): Recording =>
  openRecording(audio, rate, new AbortController().signal)

async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array> {
  let value = 0
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => value++ & 0xff)
}

/** Reads a recording in parts, cut after so many of their pieces. */
async function readParts(recording: Recording, cutAfter: number[]): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for (;;) {
    const pause = cutAfter[parts.length] ?? Infinity
    const part: Uint8Array[] = []
    for await (const piece of recording.part()) {
      part.push(piece)
      if (part.length > pause) recording.cut()
    }
    parts.push(concat(...part))
    if (!(await recording.hasMore())) return parts
  }
}

it('in several parts is the same recording, sample for sample, each part with its header', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 })
  const cuts = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(sizes, cuts, async (lengths, cutAfter) => {
      const parts = await readParts(open(pieces(...lengths), RATE), cutAfter)
      const samples = parts.map((part) => part.subarray(HEADER))
      for (const part of parts) expect(part.subarray(0, HEADER)).toEqual(wavHeader(RATE))
      // No sample is torn in two by a cut.
      for (const part of samples.slice(0, -1)) expect(part.length % 2).toBe(0)
      const whole = concat(...(await Array.fromAsync(pieces(...lengths))))
      // Half a sample at the very end is none, wherever it was left.
      const end = whole.length - (whole.length % 2)
      expect(concat(...samples).subarray(0, end)).toEqual(whole.subarray(0, end))
    }),
  )
})

describe('a cut', () => {
  it('ends a part that waits, and what comes then is of the next one', async () => {
    let feed!: ReadableStreamDefaultController<Uint8Array>
    const recording = open(new ReadableStream({ start: (c) => void (feed = c) }), RATE)
    const first = recording.part()
    await first.next()
    feed.enqueue(new Uint8Array(2 * RATE))
    await first.next()
    const waiting = first.next()
    recording.cut()
    expect((await waiting).done).toBe(true)
    expect(recording.seconds).toBe(1)
    const more = recording.hasMore()
    feed.enqueue(Uint8Array.of(1, 2))
    expect(await more).toBe(true)
    const second = recording.part()
    await second.next()
    expect((await second.next()).value).toEqual(Uint8Array.of(1, 2))
    feed.close()
    expect((await second.next()).done).toBe(true)
  })

  it('of a part that nobody reads on holds, though the next one is read already', async () => {
    const recording = open(pieces(2, 2, 2), RATE)
    const first = recording.part()
    await first.next()
    await first.next()
    recording.cut()
    const second = recording.part()
    await second.next()
    expect((await second.next()).value).toEqual(Uint8Array.of(2, 3))
    expect((await first.next()).done).toBe(true)
    expect((await second.next()).value).toEqual(Uint8Array.of(4, 5))
  })

  it('reaches the part that waits, though one that was cut before it is read on', async () => {
    let feed!: ReadableStreamDefaultController<Uint8Array>
    const recording = open(new ReadableStream({ start: (c) => void (feed = c) }), RATE)
    const first = recording.part()
    await first.next()
    feed.enqueue(Uint8Array.of(1, 2))
    await first.next()
    recording.cut()
    const second = recording.part()
    await second.next()
    const waiting = second.next()
    expect((await first.next()).done).toBe(true)
    recording.cut()
    expect((await waiting).done).toBe(true)
  })

  it('of a source that has ended has nothing behind it', async () => {
    const recording = open(pieces(4), RATE)
    const part = recording.part()
    await part.next()
    await part.next()
    recording.cut()
    expect(await recording.hasMore()).toBe(false)
  })

  it('leaves the source open; whoever leaves a part closes it', async () => {
    let isClosed = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(2)
      } finally {
        isClosed = true
      }
    }
    const recording = open(source(), RATE)
    for await (const piece of recording.part()) if (piece.length === 2) recording.cut()
    expect(isClosed).toBe(false)
    for await (const piece of recording.part()) if (piece.length === 2) break
    await expect.poll(() => isClosed).toBe(true)
  })
})

it('a file is passed on as it is', async () => {
  expect(concat(...(await Array.fromAsync(open(pieces(3, 3)).part())))).toEqual(
    concat(...(await Array.fromAsync(pieces(3, 3)))),
  )
})
