import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LiveEvent, Sotto } from '@sotto/client'
import type { TranscribeParams, TranscriptEvent } from '../../packages/enclave/src/engines/types.ts'
import { type LiveTown, openLiveTown } from './town.ts'

/** Bytes of recording for one word of the fake model. */
const WORD_BYTES = 8000

let town: LiveTown
const asked: { params: TranscribeParams; bytes: number; isWhole: boolean; isAborted: boolean }[] = []
beforeAll(async () => {
  town = await openLiveTown(async function* words(file, params, signal): AsyncGenerator<TranscriptEvent> {
    const call = { params, bytes: 0, isWhole: false, isAborted: false }
    asked.push(call)
    signal.addEventListener('abort', () => (call.isAborted = true))
    let said = 0
    for await (const part of file) {
      call.bytes += part.length
      for (; said < Math.floor(call.bytes / WORD_BYTES); said++) yield { type: 'delta', text: ` ${said}` }
    }
    call.isWhole = true
    const text = Array.from({ length: said }, (_, i) => ` ${i}`).join('')
    const usage = { inputTokens: 0, outputTokens: 0 }
    yield { type: 'done', text, language: 'en', durationSeconds: 1, usage }
  })
})
afterAll(() => town?.close())
beforeEach(() => {
  asked.length = 0
  town.errors.length = 0
})

/** A recording whose next piece is spoken only when the text of the one before was read. */
function conversation(pieces: number): {
  audio: AsyncGenerator<Uint8Array>
  heard: (event: LiveEvent) => void
} {
  let words = 0
  let wake: () => void = () => {}
  async function* audio(): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < pieces; piece++) {
      // Enough for a word, and to fill the sealed chunk it ends in.
      yield new Uint8Array(WORD_BYTES + 4096)
      while (words <= piece) await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  const heard = (event: LiveEvent): void => {
    if (event.type === 'delta') words++
    wake()
  }
  return { audio: audio(), heard }
}

describe.each([
  ['chunked OHTTP over fetch', undefined],
  ['chunked OHTTP over a WebSocket of the relay', WebSocket],
])('%s', (_, webSocket) => {
  const connect = (): Promise<Sotto> => town.connect(webSocket ? { webSocket } : {})

  it('text is there while the recording is still being spoken', async () => {
    const sotto = await connect()
    const { audio, heard } = conversation(5)
    const live = sotto.transcribeLive(audio, { language: 'en', voiceActivity: { silenceDurationMs: 300 } })
    const events: LiveEvent[] = []
    for await (const event of live) {
      events.push(event)
      heard(event)
    }
    const text = events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join('')
    expect(events.at(-1)).toEqual({ type: 'done', text })
    expect(asked).toMatchObject([
      {
        isWhole: true,
        bytes: 5 * (WORD_BYTES + 4096),
        params: {
          language: 'en',
          voiceActivity: { threshold: 0.5, prefixPaddingMs: 300, silenceDurationMs: 300 },
        },
      },
    ])
    expect(town.errors).toEqual([])
  })

  it('the answer to a recording that was spoken has a receipt, for the whole of both', async () => {
    const sotto = await connect()
    const { audio, heard } = conversation(2)
    const live = sotto.transcribeLive(audio)
    await expect(live.receipt()).rejects.toMatchObject({ code: 'RECEIPT_MISSING' })
    for await (const event of live) heard(event)
    await expect(live.receipt()).resolves.toMatchObject({ version: 1 })
  })

  it('raw samples get the header of a recording without an end', async () => {
    const sotto = await connect()
    const events = await Array.fromAsync(
      sotto.transcribeLive(new Blob([new Uint8Array(100)]).stream(), { sampleRate: 16_000 }),
    )
    expect(events.at(-1)).toMatchObject({ type: 'done' })
    expect(asked[0]).toMatchObject({ bytes: 144, isWhole: true })
  })

  it('a recording that fails is never taken for a whole one, and says why', async () => {
    const sotto = await connect()
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(2 * WORD_BYTES)
      throw new Error('the microphone is gone')
    }
    const events: LiveEvent[] = []
    const live = sotto.transcribeLive(failing())
    await expect(
      (async () => {
        for await (const event of live) events.push(event)
      })(),
    ).rejects.toThrow()
    expect(events.filter(({ type }) => type === 'done')).toEqual([])
    await expect.poll(() => asked.every(({ isWhole }) => !isWhole)).toBe(true)
  })

  it('leaving the loop ends the recording, here and there', async () => {
    const sotto = await connect()
    let isStopped = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield new Uint8Array(WORD_BYTES)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        isStopped = true
      }
    }
    for await (const event of sotto.transcribeLive(endless())) if (event.type === 'delta') break
    await expect.poll(() => isStopped).toBe(true)
    await expect.poll(() => asked[0]?.isAborted).toBe(true)
    expect(asked[0]!.isWhole).toBe(false)
  })

  it('a refusal of the service is told with its code', async () => {
    const sotto = await connect()
    const live = sotto.transcribeLive(new Blob(['x']).stream(), { model: 'nobody' })
    await expect(Array.fromAsync(live)).rejects.toMatchObject({
      code: 'LIVE_REFUSED',
      found: 'model_not_found',
    })
    const strategy = { voiceActivity: { threshold: 2 } }
    await expect(
      Array.fromAsync(sotto.transcribeLive(new Blob(['x']).stream(), strategy)),
    ).rejects.toMatchObject({ code: 'LIVE_REFUSED' })
  })

  it('a signal ends it with its reason', async () => {
    const sotto = await connect()
    const abort = new AbortController()
    const { audio } = conversation(2)
    const live = sotto.transcribeLive(audio, { signal: abort.signal })
    const reason = new Error('enough')
    await expect(
      (async () => {
        for await (const event of live) if (event.type === 'delta') abort.abort(reason)
      })(),
    ).rejects.toBe(reason)
  })

  it('can be iterated once, and knows of no sample rate that is none', async () => {
    const sotto = await connect()
    const live = sotto.transcribeLive(new Blob(['x']).stream())
    await Array.fromAsync(live)
    await expect(Array.fromAsync(live)).rejects.toThrow(TypeError)
    await expect(
      Array.fromAsync(sotto.transcribeLive(new Blob(['x']).stream(), { sampleRate: 0.5 })),
    ).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})
