import { expect, test } from 'vitest'
import { logMelSpectrogram, WHISPER_FRAMES } from '../../../src/audio/features/log-mel.ts'
import { createFeatureStream } from '../../../src/engines/whisper/feature-stream.ts'
import { samplesOf } from '../fixtures/tones.ts'

const sound = samplesOf({ seconds: 4.321, seed: 5, said: [{ start: 0.3, lang: 'de', words: [1, 9, 4] }] })

function streamOf(samples: Float32Array, block: number): ReturnType<typeof createFeatureStream> {
  const stream = createFeatureStream(80)
  for (let at = 0; at < samples.length; at += block) stream.push(samples.subarray(at, at + block))
  stream.end()
  return stream
}

test('gives for one window what the whole-window transform gives', () => {
  const whole = logMelSpectrogram(sound, 80)
  const stream = streamOf(sound, 1000)
  expect(stream.frames).toBe(432)
  const window = stream.window(0, WHISPER_FRAMES)
  let most = 0
  for (let i = 0; i < window.length; i++) most = Math.max(most, Math.abs(window[i]! - whole.data[i]!))
  expect(most).toBeLessThan(1e-5)
})

test.each([1, 159, 160, 161, 400, 5000])('does not depend on blocks of %i samples', (block) => {
  const short = sound.subarray(0, 9000)
  expect(streamOf(short, block).window(0, 100)).toEqual(streamOf(short, 9000).window(0, 100))
})

test('frames behind the end are silence in the first window, zero in later ones', () => {
  const stream = streamOf(sound, 16_000)
  const first = stream.window(0, 300)
  expect(first.every((value) => value !== 0)).toBe(true)
  const later = stream.window(300, 300)
  // Row 0: frames 300..431 of the recording, then nothing.
  expect([...later.subarray(132, 300)].every((value) => value === 0)).toBe(true)
  expect(later[131]).not.toBe(0)
})

test('knows frames as soon as their samples are there, and forgets what is behind', () => {
  const stream = createFeatureStream(80)
  expect(stream.frames).toBe(0)
  stream.push(new Float32Array(200))
  expect(stream.frames).toBe(0)
  stream.push(new Float32Array(1))
  expect(stream.frames).toBe(1)
  stream.push(new Float32Array(159 + 160))
  expect([stream.frames, stream.samples]).toEqual([3, 520])
  stream.window(2, 100)
  expect(() => stream.window(1, 100)).toThrow(RangeError)
})
