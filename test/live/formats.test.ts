import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LiveEvent } from '@sotto/client'
import { type EngineHost, readModelDirectory } from '../../packages/enclave/src/engines/host/index.ts'
import { writeFlac } from '../../packages/enclave/test/audio/support/flac-writer.ts'
import { readPackets } from '../../packages/enclave/test/audio/support/ogg-writer.ts'
import { writeWebm } from '../../packages/enclave/test/audio/support/webm-writer.ts'
import { openRealHost } from '../../packages/enclave/test/engines/real-engines.ts'
import { MODELS, testdata, testdataMissing } from '../../packages/enclave/test/engines/testdata.ts'
import { type LiveTown, openLiveTown } from './town.ts'

const missing = testdataMissing()

/** Speech in each format as it is while somebody speaks: nothing in it says how long it will be. */
const recordings: Readonly<Record<string, () => Uint8Array>> = {
  WAV: () => {
    const note = new Uint8Array(readFileSync(join(MODELS, 'demo', 'session-note.wav')))
    new DataView(note.buffer).setUint32(40, 0xffff_ffff, true)
    return note
  },
  FLAC: () => {
    const note = readFileSync(join(MODELS, 'demo', 'session-note.wav'))
    const samples = new Int16Array(new Uint8Array(note.subarray(44)).buffer)
    return writeFlac({
      channels: [[...samples]],
      sampleBits: 16,
      blockSize: 4096,
      coding: 'verbatim',
      totalSamples: 0,
    })
  },
  MP3: () => testdata('audio/jfk.mp3'),
  'Ogg with Opus': () => testdata('audio/silero_test.opus'),
  'WebM with Opus, as browsers record it': () => {
    const [head, , ...packets] = readPackets(testdata('audio/silero_test.opus'))
    return writeWebm(head!, packets, { live: true })
  },
}

describe.skipIf(missing !== undefined)('live, with the real model, a recording in', () => {
  let host: EngineHost
  let town: LiveTown
  beforeAll(async () => {
    host = await openRealHost()
    const engine = await host.start(readModelDirectory(join(MODELS, 'sotto-ctc-synthetic-en')))
    town = await openLiveTown((file, params, signal) => engine.transcribeFile(file, params, { signal }))
  }, 60_000)
  afterAll(async () => {
    await town?.close()
    await host?.close()
  })

  it.each(Object.entries(recordings))(
    '%s is read before its end is spoken',
    { timeout: 60_000 },
    async (_, make) => {
      const recording = make()
      const heard = Promise.withResolvers<void>()
      let isHeldBack = false
      async function* microphone(): AsyncGenerator<Uint8Array> {
        // The last tenth is spoken only when some text of the others was read.
        const held = Math.floor(recording.length * 0.9)
        for (let at = 0; at < held; at += 1000) yield recording.slice(at, Math.min(held, at + 1000))
        isHeldBack = true
        await heard.promise
        isHeldBack = false
        yield recording.slice(held)
      }
      const sotto = await town.connect()
      const events: LiveEvent[] = []
      const heldBack: boolean[] = []
      for await (const event of sotto.transcribeLive(microphone())) {
        events.push(event)
        if (event.type !== 'delta') continue
        heldBack.push(isHeldBack)
        heard.resolve()
      }
      expect(heldBack).toContain(true)
      const text = events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join('')
      expect(events.at(-1)).toEqual({ type: 'done', text })
      expect(text.trim()).not.toBe('')
    },
  )

  it.each([
    ['MP4 with AAC', '\0\0\0\x20ftypM4A \0\0\0\0', 'audio_unsupported'],
    ['Core Audio', 'caff\0\x01\0\0\0\0\0\0\0\0\0\0', 'audio_unsupported'],
    ['nothing known', 'this is no recording at all', 'audio_format_unknown'],
  ])('%s is refused by name while it is spoken', { timeout: 60_000 }, async (_, head, found) => {
    const sotto = await town.connect()
    let isAsked = true
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from(head, 'latin1')
        for (;;) {
          yield new Uint8Array(4096)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        isAsked = false
      }
    }
    await expect(Array.fromAsync(sotto.transcribeLive(endless()))).rejects.toMatchObject({
      code: 'LIVE_REFUSED',
      found,
    })
    await expect.poll(() => isAsked).toBe(false)
  })
})
