import { describe, expect, it } from 'vitest'
import { BLOCK_SAMPLES, decodeAudio, decodeAudioHere } from '../../src/audio/index.ts'
import { resolveLimits } from '../../src/audio/limits.ts'
import { startDecoderThread } from '../../src/audio/worker/decoder-host.ts'
import { bytesOf } from './support/bytes.ts'
import { decodeBytes, inChunks } from './support/decode.ts'
import { fixtureSweep, join } from './support/signals.ts'
import { fixture } from './support/testdata.ts'
import { wavHeader, writeWav } from './support/wav-writer.ts'

/** A WAV file of silence that is never held whole. */
async function* longWav(seconds: number, onChunk: () => void = () => {}): AsyncGenerator<Uint8Array> {
  const bytes = seconds * 32_000
  yield wavHeader(1, bytes)
  for (let left = bytes; left > 0;) {
    const chunk = new Uint8Array(Math.min(left, 256 * 1024))
    left -= chunk.length
    onChunk()
    yield chunk
  }
}

describe('decoding in a thread', () => {
  it.each(['sweep.mp3', 'sweep.flac', 'sweep.opus', 'stereo.flac'])(
    'gives what decoding here gives: %s',
    async (name) => {
      const here = await decodeBytes(fixture(name))
      // Buffers of Node are views of a shared pool: none of their neighbours may come along.
      const audio = decodeAudio(inChunks(Buffer.from(fixture(name)), 1000))
      expect(join(await Array.fromAsync(audio))).toEqual(here.samples)
      expect(await audio.info).toEqual(here.info)
    },
  )

  it('gives blocks of one size', async () => {
    const blocks = await Array.fromAsync(decodeAudio(longWav(5)))
    expect(blocks.map((block) => block.length)).toEqual([
      ...Array<number>(4).fill(BLOCK_SAMPLES),
      80_000 - 4 * BLOCK_SAMPLES,
    ])
  })

  it('passes refusals on with everything they say', async () => {
    const audio = decodeAudio(inChunks(bytesOf(0, 0, 0, 24, 'ftypM4A '), 100))
    const expected = {
      name: 'SottoError',
      code: 'AUDIO_UNSUPPORTED',
      action: 'fix-input',
      hint: expect.stringContaining('convert'),
    }
    await expect(Array.fromAsync(audio)).rejects.toMatchObject(expected)
    await expect(audio.info).rejects.toMatchObject(expected)
  })

  it.each([
    [{ maxSeconds: 0.9 }, 'AUDIO_TOO_LONG'],
    [{ maxBytes: 31_000 }, 'AUDIO_TOO_LARGE'],
    [{ maxChannels: 1 }, 'AUDIO_UNSUPPORTED'],
  ])('keeps the limits %j', async (limits, code) => {
    const file = writeWav([fixtureSweep(), fixtureSweep()])
    await expect(Array.fromAsync(decodeAudio(inChunks(file, 1000), limits))).rejects.toMatchObject({ code })
  })

  it('refuses a long recording by its header, before its sound', async () => {
    const header = wavHeader(1, 32_000 * 100)
    await expect(
      Array.fromAsync(decodeAudio(inChunks(header, 44), { maxSeconds: 99 })),
    ).rejects.toMatchObject({ code: 'AUDIO_TOO_LONG' })
  })

  it('lets errors of the source through, and tells the source when it stops', async () => {
    let isStopped = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield wavHeader(1, 1e6)
        throw new Error('the network went away')
      } finally {
        isStopped = true
      }
    }
    await expect(Array.fromAsync(decodeAudio(source()))).rejects.toThrow('the network went away')
    expect(isStopped).toBe(true)
  })

  it('stops when the caller stops', async () => {
    let chunks = 0
    const audio = decodeAudio(longWav(3600, () => chunks++))
    for await (const block of audio) {
      expect(block.length).toBe(BLOCK_SAMPLES)
      break
    }
    expect(chunks).toBeLessThan(4)
    await expect(audio.info).rejects.toMatchObject({ code: 'AUDIO_CANCELLED', action: 'retry' })
    await expect(Array.fromAsync(audio)).rejects.toThrow(TypeError)
  })

  it('stops on a signal', async () => {
    const controller = new AbortController()
    const audio = decodeAudio(
      longWav(3600, () => controller.abort()),
      { signal: controller.signal },
    )
    await expect(Array.fromAsync(audio)).rejects.toMatchObject({ code: 'AUDIO_CANCELLED' })
  })

  it('refuses limits that are no limits', () => {
    expect(() => decodeAudio(longWav(1), { maxSeconds: NaN })).toThrow(RangeError)
    expect(() => decodeAudio(longWav(1), { maxBytes: 0 })).toThrow(RangeError)
  })
})

describe('a decoder thread', () => {
  const start = { limits: resolveLimits({}) }

  it('that hangs is noticed and can be stopped', async () => {
    const thread = startDecoderThread(start, new URL('./support/stuck-thread.ts', import.meta.url))
    await expect(thread.receive(300)).rejects.toMatchObject({ code: 'AUDIO_TIMEOUT', action: 'fix-input' })
    await thread.stop()
  })

  it('that takes too much memory dies alone', async () => {
    const thread = startDecoderThread(start, new URL('./support/greedy-thread.ts', import.meta.url))
    await expect(thread.receive(15_000)).rejects.toMatchObject({ code: 'AUDIO_FAILED', action: 'retry' })
    await thread.stop()
  })
})

describe('memory', () => {
  it('does not grow with the length of a recording', async () => {
    const before = process.memoryUsage().rss
    let peak = 0
    let samples = 0
    // One hour: 115 MB of file, 230 MB of samples.
    for await (const block of decodeAudioHere(longWav(3600))) {
      samples += block.length
      if (samples % (BLOCK_SAMPLES * 64) === 0) peak = Math.max(peak, process.memoryUsage().rss)
    }
    expect(samples).toBe(3600 * 16_000)
    expect((peak - before) / 2 ** 20).toBeLessThan(110)
  })

  it('does not grow with the size of a chunk, when the caller has the bytes anyway', async () => {
    const whole = new Uint8Array(8_000_044)
    whole.set(wavHeader(2, 8_000_000, { rate: 48_000 }))
    const blocks = await Array.fromAsync(decodeAudio(inChunks(whole, whole.length)))
    expect(join(blocks).length).toBe(Math.ceil(2_000_000 / 3))
  })
})
