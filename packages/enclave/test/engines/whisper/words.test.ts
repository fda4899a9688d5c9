import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession } from '../../../src/engines/onnx/index.ts'
import { openTokenizer } from '../../../src/engines/tokenizer/index.ts'
import { alignTokens } from '../../../src/engines/whisper/align-words.ts'
import { parseWhisperConfig } from '../../../src/engines/whisper/config.ts'
import { audioFeatures } from '../../../src/engines/whisper/feature-source.ts'
import { encodeWindow, type WhisperModel } from '../../../src/engines/whisper/model.ts'
import { splitWords } from '../../../src/engines/whisper/split-words.ts'
import { fixtureBytes, fixtureJson } from '../fixtures/read.ts'
import { samplesOf, type Sound } from '../fixtures/tones.ts'

interface Expected {
  sounds: Sound[]
  cases: {
    sound: number
    start: number[]
    text: number[]
    frames: number
    times: number[]
    logprobs: number[]
  }[]
}

const FOLDER = 'whisper-words'
const expected = fixtureJson<Expected>(FOLDER, 'expected.json')
const tokenizer = openTokenizer(fixtureJson(FOLDER, 'tokenizer.json'))
let model: WhisperModel

beforeAll(async () => {
  const config = parseWhisperConfig(
    fixtureJson(FOLDER, 'config.json'),
    fixtureJson(FOLDER, 'generation_config.json'),
    tokenizer,
  )
  const first = await openSession(fixtureBytes(FOLDER, 'decoder_model.onnx'))
  const encoder = await openSession(fixtureBytes(FOLDER, 'encoder_model.onnx'))
  model = { config, tokenizer, encoder, decoder: { first } }
})

afterAll(async () => {
  await model.encoder.close()
  await model.decoder.first.close()
})

async function* whole(samples: Float32Array): AsyncGenerator<Float32Array> {
  yield samples
}

test.each(expected.cases)(
  'times tokens as the reference does, sound $sound',
  async ({ sound, start, text, frames, times, logprobs }) => {
    const source = audioFeatures(whole(samplesOf(expected.sounds[sound]!)), model.config.mels)
    const input = (await source.window(0, model.config.windowFrames))!
    expect(input.frames).toBe(frames)
    const got = await alignTokens(model, await encodeWindow(model, input.features), text, start, frames)
    expect(got.times.map((time) => Math.round(time * 100) / 100)).toEqual(times)
    for (const [i, logprob] of logprobs.entries()) expect(got.logprobs[i]).toBeCloseTo(logprob, 2)
  },
)

test('splits at spaces, and a character of several tokens stays whole', () => {
  const tokens = tokenizer.encode(' vier fünf, sechs-sieben acht', { special: false })
  const words = splitWords(tokens, 'de', tokenizer)
  expect(words.map(({ text }) => text)).toEqual([' vier', ' fünf,', ' sechs', '-sieben', ' acht'])
  expect(words.reduce((sum, word) => sum + word.tokens, 0)).toBe(tokens.length)
})

test('splits a language without spaces into characters', () => {
  const tokens = tokenizer.encode('日本語。', { special: false })
  expect(splitWords(tokens, 'ja', tokenizer).map(({ text }) => text)).toEqual(['日', '本', '語。'])
})

test('joins marks to the word after or before them', () => {
  const pieces = [' one', ' "', 'two', '"', ' (', 'three', ')', '.']
  const decode = (ids: readonly number[]): string => ids.map((id) => pieces[id]).join('')
  const words = splitWords([...pieces.keys()], 'en', { decode })
  expect(words).toEqual([
    { text: ' one', tokens: 1 },
    { text: ' "two"', tokens: 3 },
    { text: ' (three).', tokens: 4 },
  ])
})
