import { engineError } from '../errors.ts'
import { findFile, needFile, readJson } from '../onnx/index.ts'
import { openTokenizer } from '../tokenizer/index.ts'
import type { Engine } from '../types.ts'
import { type EncoderDecoder, openEncoderDecoder } from './graph-files.ts'
import { summaryProfile } from './profile.ts'
import { parseGenerationConfig } from './settings.ts'
import { type Summarizer, summarize } from './summarize.ts'

/**
 * Makes the engine for summarisers of the T5 and BART kind: the ONNX export of Hugging Face Optimum with
 * `config.json` and `tokenizer.json`, `generation_config.json` and `tokenizer_config.json` where there are any.
 */
export function createSeq2SeqEngine(): Engine {
  let graphs: EncoderDecoder | undefined
  let summarizer: Summarizer | undefined
  const loaded = (): Summarizer => {
    if (!summarizer) throw engineError('ENGINE_FAILED', 'no model is loaded')
    return summarizer
  }
  return {
    load: async (model) => {
      const config = readJson(needFile(model, 'config.json'))
      const generation = findFile(model, 'generation_config.json')
      const tokenizerConfig = findFile(model, 'tokenizer_config.json')
      const profile = summaryProfile(
        config,
        parseGenerationConfig(generation ? readJson(generation) : {}, config),
      )
      const tokenizer = openTokenizer(
        readJson(needFile(model, 'tokenizer.json')),
        tokenizerConfig ? readJson(tokenizerConfig) : {},
      )
      graphs = await openEncoderDecoder(model)
      summarizer = { encoder: graphs.encoder, decoder: graphs.decoder, tokenizer, profile }
      return { concurrency: 1, operations: ['summarize', 'tokenize'], contextTokens: profile.chunkTokens }
    },
    summarize: (request, signal) => summarize(loaded(), request, signal),
    tokenize: async (text) => loaded().tokenizer.encode(text),
    close: async () => graphs?.close(),
  }
}
