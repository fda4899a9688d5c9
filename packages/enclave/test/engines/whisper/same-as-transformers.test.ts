import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession } from '../../../src/engines/onnx/index.ts'
import { argmax } from '../../../src/engines/seq2seq/index.ts'
import { openTokenizer } from '../../../src/engines/tokenizer/index.ts'
import { parseWhisperConfig } from '../../../src/engines/whisper/config.ts'
import { decodeWindow, type DecodeOptions } from '../../../src/engines/whisper/decode-window.ts'
import { detectLanguage } from '../../../src/engines/whisper/detect-language.ts'
import { audioFeatures } from '../../../src/engines/whisper/feature-source.ts'
import { encodeWindow, type WhisperModel } from '../../../src/engines/whisper/model.ts'
import { walkWindows } from '../../../src/engines/whisper/walk-windows.ts'
import { fixtureBytes, fixtureJson } from '../fixtures/read.ts'
import { samplesOf, type Sound } from '../fixtures/tones.ts'

interface Settings {
  return_timestamps?: boolean
  num_beams?: number
  length_penalty?: number
  language?: string
  task?: 'transcribe' | 'translate'
  prompt?: string
  condition_on_prev_tokens?: boolean
  logprob_threshold?: number
  no_speech_threshold?: number
  compression_ratio_threshold?: number
  temperature?: number[]
}
interface Cases<T> {
  sounds: Sound[]
  cases: (T & { sound: number; settings: Settings })[]
}
interface Expected {
  short: Cases<{ language: number; tokens: number[]; avgLogprob: number }>
  long: Cases<{ segments: { start: number; end: number; tokens: number[] }[] }>
}

const expected = fixtureJson<Expected>('whisper', 'expected.json')
let model: WhisperModel

beforeAll(async () => {
  const tokenizer = openTokenizer(fixtureJson('whisper', 'tokenizer.json'))
  const merged = await openSession(fixtureBytes('whisper', 'decoder_model_merged.onnx'))
  model = {
    config: parseWhisperConfig(
      fixtureJson('whisper', 'config.json'),
      fixtureJson('whisper', 'generation_config.json'),
      tokenizer,
    ),
    tokenizer,
    encoder: await openSession(fixtureBytes('whisper', 'encoder_model.onnx')),
    decoder: { first: merged, later: merged },
  }
})

afterAll(async () => {
  await model.encoder.close()
  await model.decoder.first.close()
})

/** transformers compresses the token ids, two bytes each for this vocabulary; openai/whisper the text. */
function tokenCompression(tokens: readonly number[]): number {
  const bytes = new Uint8Array(Uint16Array.from(tokens).buffer)
  return bytes.length / deflateSync(bytes).length
}

function optionsOf(settings: Settings): Omit<DecodeOptions, 'previous' | 'start' | 'timestamps'> {
  return {
    temperatures: settings.temperature ?? [0],
    beams: settings.num_beams ?? 1,
    lengthPenalty: settings.length_penalty ?? 1,
    thresholds: {
      compressionRatio: settings.compression_ratio_threshold,
      logprob: settings.logprob_threshold,
      noSpeech: settings.no_speech_threshold,
    },
    draw: () => argmax,
    compressionRatio: tokenCompression,
  }
}

function promptOf(settings: Settings): number[] {
  return settings.prompt ? model.tokenizer.encode(` ${settings.prompt}`, { special: false }) : []
}

async function* blocks(samples: Float32Array): AsyncGenerator<Float32Array> {
  for (let at = 0; at < samples.length; at += 7919) yield samples.subarray(at, at + 7919)
}

test.each(expected.short.cases.map((c) => [c.sound, c.settings, c] as const))(
  'window %i with %j',
  async (sound, settings, { language, tokens, avgLogprob }) => {
    const { config } = model
    const source = audioFeatures(blocks(samplesOf(expected.short.sounds[sound]!)), config.mels)
    const input = (await source.window(0, config.windowFrames))!
    const encoded = await encodeWindow(model, input.features)
    const [detected] = await detectLanguage(model.decoder, encoded, config)
    expect(config.languages!.get(detected!.language)).toBe(language)
    const start = [
      config.startToken,
      config.languages!.get(settings.language ?? detected!.language)!,
      config.tasks![settings.task ?? 'transcribe'],
      ...(settings.return_timestamps ? [] : [config.noTimestampsToken]),
    ]
    const prompt = promptOf(settings)
    const previous = prompt.length > 0 ? [config.previousToken!, ...prompt] : []
    const window = await decodeWindow(model.decoder, encoded, config, {
      ...optionsOf(settings),
      previous,
      start,
      timestamps: settings.return_timestamps === true,
    })
    const whole = [...previous, ...start, ...window.tokens]
    expect(whole).toEqual(tokens.at(-1) === config.endToken ? tokens.slice(0, -1) : tokens)
    expect(window.averageLogprob).toBeCloseTo(avgLogprob, 2)
  },
)

test.each(expected.long.cases.map((c) => [c.sound, c.settings, c] as const))(
  'recording %i with %j',
  async (sound, settings, { segments }) => {
    const { config } = model
    const source = audioFeatures(blocks(samplesOf(expected.long.sounds[sound]!)), config.mels)
    const got: { start: number; end: number; tokens: readonly number[] }[] = []
    const walk = walkWindows(model, source, {
      ...optionsOf(settings),
      ...(settings.language && { language: settings.language }),
      task: settings.task ?? 'transcribe',
      prompt: promptOf(settings),
      hotwords: [],
      conditionOnPreviousText: settings.condition_on_prev_tokens ?? false,
    })
    for await (const window of walk)
      for (const { start, end, tokens } of window.segments)
        got.push({ start: round(start), end: round(end), tokens })
    expect(got).toEqual(segments)
  },
)

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100
}
