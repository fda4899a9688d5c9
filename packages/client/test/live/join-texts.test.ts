import { describe, expect, it } from 'vitest'
import { joinTexts } from '../../src/live/join-texts.ts'
import { transcribeLive } from '../../src/live/transcribe-live.ts'
import type { LiveEvent } from '../../src/live/types.ts'

/** Deltas of parts, and what is said of the whole. */
function join(parts: readonly (readonly string[])[]): { said: string; all: string } {
  const texts = joinTexts()
  let said = ''
  for (const deltas of parts) {
    texts.begin(0)
    for (const text of deltas) {
      const event = texts.take({ type: 'delta', text })
      if (event?.type === 'delta') said += event.text
    }
    expect(texts.isDone).toBe(false)
    expect(texts.take({ type: 'done', text: deltas.join('') })).toBeUndefined()
    expect(texts.isDone).toBe(true)
  }
  return { said, all: texts.all }
}

describe('texts of several parts', () => {
  it.each<[string[][], string]>([
    [[['one', ' two'], ['three']], 'one two three'],
    [[['one '], ['two']], 'one two'],
    [[['one'], [' two']], 'one two'],
    [[['one'], [], ['two']], 'one two'],
    [[[], ['one']], 'one'],
    [[['one'], ['', 'two']], 'one two'],
    [[], ''],
  ])('%j are %j, in pieces and as a whole', (parts, text) => {
    expect(join(parts)).toEqual({ said: text, all: text })
  })

  it('come with the times of the whole recording', () => {
    const texts = joinTexts()
    texts.begin(90)
    const event: LiveEvent = { type: 'segment', start: 1, end: 2, text: 'x' }
    expect(texts.take(event)).toEqual({ type: 'segment', start: 91, end: 92, text: 'x' })
  })

  it('of a service that says nothing in pieces are joined all the same', () => {
    const texts = joinTexts()
    for (const text of ['one', 'two']) {
      texts.begin(0)
      texts.take({ type: 'done', text })
    }
    expect(texts.all).toBe('one two')
  })
})

describe('a live transcription', () => {
  const nobody = {
    baseURL: 'https://inference.sotto/v1',
    fetchLive: () => Promise.reject(new Error('nothing is sent')),
    receiptOf: () => Promise.reject(new Error('there is none')),
  }

  it.each([0, -1, Number.NaN])('takes no exchange of %d seconds', async (exchangeSeconds) => {
    let isAsked = false
    async function* audio(): AsyncGenerator<Uint8Array> {
      isAsked = true
      yield new Uint8Array(2)
    }
    const live = transcribeLive(nobody, audio(), { sampleRate: 16_000, exchangeSeconds })
    await expect(Array.fromAsync(live)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    expect(isAsked).toBe(false)
  })

  it('that ends without its text is no whole one', async () => {
    const events = 'data: {"type":"transcript.text.delta","delta":"half"}\n\n'
    const fetchLive = async (): Promise<Response> =>
      new Response(events, { headers: { 'content-type': 'text/event-stream' } })
    const heard: LiveEvent[] = []
    const live = transcribeLive({ ...nobody, fetchLive }, new Blob(['x']).stream())
    await expect(
      (async () => {
        for await (const event of live) heard.push(event)
      })(),
    ).rejects.toMatchObject({ code: 'RESPONSE_INVALID' })
    expect(heard).toEqual([{ type: 'delta', text: 'half' }])
  })
})
