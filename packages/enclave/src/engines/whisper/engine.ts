import { engineError } from '../errors.ts'
import { findFile, needFile, readJson } from '../onnx/index.ts'
import { type EncoderDecoder, openEncoderDecoder } from '../seq2seq/index.ts'
import { openTokenizer } from '../tokenizer/index.ts'
import type { Engine } from '../types.ts'
import { parseWhisperConfig } from './config.ts'
import { audioFeatures } from './feature-source.ts'
import type { WhisperModel } from './model.ts'
import { transcribe } from './transcribe.ts'
import { transcribeSpeech } from './transcribe-speech.ts'

/**
 * Makes the engine for Whisper models: the ONNX export of Hugging Face Optimum with `config.json`,
 * `generation_config.json` and `tokenizer.json`.
 */
export function createWhisperEngine(): Engine {
  let graphs: EncoderDecoder | undefined
  let whisper: WhisperModel | undefined
  const loaded = (): WhisperModel => {
    if (!whisper) throw engineError('ENGINE_FAILED', 'no model is loaded')
    return whisper
  }
  return {
    load: async (model) => {
      const generation = findFile(model, 'generation_config.json')
      const tokenizer = openTokenizer(readJson(needFile(model, 'tokenizer.json')))
      const config = parseWhisperConfig(
        readJson(needFile(model, 'config.json')),
        generation ? readJson(generation) : {},
        tokenizer,
      )
      graphs = await openEncoderDecoder(model)
      whisper = { config, tokenizer, encoder: graphs.encoder, decoder: graphs.decoder }
      return { concurrency: 1, operations: ['transcribe', 'tokenize'], contextTokens: config.maxTokens }
    },
    transcribe: (audio, params, signal) => {
      const model = loaded()
      if (params.voiceActivity) return transcribeSpeech(model, audio, params, params.voiceActivity, signal)
      return transcribe(model, audioFeatures(audio, model.config.mels), params, signal)
    },
    tokenize: async (text) => loaded().tokenizer.encode(text, { special: false }),
    close: async () => graphs?.close(),
  }
}
