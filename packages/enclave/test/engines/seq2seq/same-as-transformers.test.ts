import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSession, type Session } from '../../../src/engines/onnx/index.ts'
import { createGraphDecoder, type DecoderGraphs } from '../../../src/engines/seq2seq/graph-decoder.ts'
import { encodeTokens } from '../../../src/engines/seq2seq/encoder.ts'
import { generate } from '../../../src/engines/seq2seq/generate.ts'
import { parseGenerationConfig } from '../../../src/engines/seq2seq/settings.ts'
import { fixtureBytes, fixtureJson } from '../fixtures/read.ts'

interface Expected {
  texts: string[]
  inputs: number[][]
  cases: { text: number; settings: Record<string, unknown>; tokens: number[]; score?: number }[]
}

// The settings that `make.py` passes where a case does not say otherwise.
const PASSED = {
  min_length: 0,
  num_beams: 1,
  early_stopping: false,
  length_penalty: 1,
  no_repeat_ngram_size: 0,
  forced_bos_token_id: null,
  forced_eos_token_id: null,
}

async function open(model: string, file: string): Promise<Session> {
  return openSession(fixtureBytes(model, `${file}.onnx`))
}

const LAYOUTS: Record<string, () => Promise<DecoderGraphs>> = {
  t5: async () => ({
    first: await open('t5', 'decoder_model'),
    later: await open('t5', 'decoder_with_past_model'),
  }),
  bart: async () => {
    const merged = await open('bart', 'decoder_model_merged')
    return { first: merged, later: merged }
  },
}

describe.each(Object.keys(LAYOUTS))('%s generates what transformers generates', (model) => {
  const expected = fixtureJson<Expected>(model, 'expected.json')
  const config = fixtureJson<Record<string, unknown>>(model, 'generation_config.json')
  let encoder: Session
  let graphs: DecoderGraphs
  beforeAll(async () => {
    encoder = await open(model, 'encoder_model')
    graphs = await LAYOUTS[model]!()
  })
  afterAll(async () => {
    await encoder.close()
    await graphs.first.close()
  })

  describe.each([true, false])('with a cache: %s', (cache) => {
    const groups = Map.groupBy(expected.cases, ({ settings }) => JSON.stringify(settings))
    test.each([...groups])('%s', async (_, cases) => {
      for (const { text, settings, tokens, score } of cases) {
        const encoded = await encodeTokens(encoder, expected.inputs[text]!)
        // Absent in `config` means the default here: only the names above are asked of it.
        const { decoder_start_token_id, eos_token_id, pad_token_id } = config
        const merged = { decoder_start_token_id, eos_token_id, pad_token_id, ...PASSED, ...settings }
        const got = await generate(
          createGraphDecoder(graphs, encoded, cache),
          parseGenerationConfig(merged),
          { inputTokens: expected.inputs[text]! },
        )
        expect(got.tokens, expected.texts[text]).toEqual(tokens)
        if (score !== undefined) expect(got.score).toBeCloseTo(score, 2)
      }
    })
  })
})
