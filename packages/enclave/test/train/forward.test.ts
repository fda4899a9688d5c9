import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GgufFile, type GgufTensor, type GgufValue, parseGguf } from '@sotto/protocol/gguf'
import { encodeOnnx } from '@sotto/protocol/onnx'
import { fromHalf, toHalf } from '@sotto/protocol/tensors'
import { ggufForward } from '@sotto/protocol/train-graph'
import { Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { openSession } from '../../src/engines/onnx/index.ts'
import { tinyGpt2 } from '../../../protocol/test/gguf/tiny-models.ts'
import { MODELS, testdata, testdataMissing, testdataPath } from '../engines/testdata.ts'
import { openReference } from './reference.ts'
import { KNOWN, LETTERS, storyModel, writeModel } from './stories.ts'

const SEQUENCE = 96

/** Mean negative log-probability of each token from the second on, by the graph. */
async function lossOf(file: GgufFile, tokens: readonly number[]): Promise<number> {
  const forward = ggufForward(file, SEQUENCE)
  const session = await openSession(encodeOnnx(forward))
  const given = BigInt64Array.from({ length: SEQUENCE }, (_, at) => BigInt(tokens[at] ?? 0))
  const { name } = forward.outputs[0]!
  const found = await session.run({ tokens: new Tensor('int64', given, [1, SEQUENCE]) })
  await session.close()
  const scores = found[name]!.data as Float32Array
  const vocabulary = scores.length / SEQUENCE
  let total = 0
  for (let at = 0; at + 1 < tokens.length; at++) {
    const row = scores.subarray(at * vocabulary, (at + 1) * vocabulary)
    const highest = row.reduce((most, score) => Math.max(most, score))
    total -=
      row[tokens[at + 1]!]! -
      highest -
      Math.log(row.reduce((sum, score) => sum + Math.exp(score - highest), 0))
  }
  return total / (tokens.length - 1)
}

/** How far the graph is from llama.cpp, relative to what llama.cpp says. */
async function errorOf(file: GgufFile, path: string, texts: readonly string[]): Promise<number> {
  const reference = await openReference(path)
  const { model } = reference
  let worst = 0
  for (const text of texts) {
    const tokens = [...(model.tokens.bos === null ? [] : [model.tokens.bos]), ...model.tokenize(text)].slice(
      0,
      SEQUENCE,
    )
    const wanted = await reference.loss(tokens)
    worst = Math.max(worst, Math.abs((await lossOf(file, tokens)) - wanted) / wanted)
  }
  await reference.close()
  return worst
}

const TEXTS = [KNOWN, LETTERS[0]!]
const missing = testdataMissing()

function having(file: GgufFile, entries: Readonly<Record<string, GgufValue>>): GgufFile {
  return { ...file, metadata: new Map([...file.metadata, ...Object.entries(entries)]) }
}

function tensor(name: string, values: readonly number[]): GgufTensor {
  return { name, type: 'f32', dims: [values.length], data: new Uint8Array(Float32Array.from(values).buffer) }
}

describe.skipIf(missing !== undefined)(
  'the graph of a story model gives texts the probability that llama.cpp gives them',
  () => {
    it('in f32, to 1e-5', async () => {
      expect(await errorOf(storyModel(), testdataPath('llm/stories260K-f32.gguf'), TEXTS)).toBeLessThan(1e-5)
    })

    // llama.cpp rounds what goes into a product to the type of its weights.
    it('in f16, to 5e-4', async () => {
      const file = parseGguf(testdata('llm/stories260K-f16.gguf'))
      expect(await errorOf(file, testdataPath('llm/stories260K-f16.gguf'), TEXTS)).toBeLessThan(5e-4)
    })

    it.each<[string, (file: GgufFile) => GgufFile]>([
      [
        'with the head of its embedding',
        (file) => ({ ...file, tensors: file.tensors.filter(({ name }) => name !== 'output.weight') }),
      ],
      [
        'with positions in a line and another base',
        (file) =>
          having(file, {
            'llama.rope.scaling.type': { type: 'string', value: 'linear' },
            'llama.rope.scaling.factor': { type: 'float32', value: 2 },
            'llama.rope.freq_base': { type: 'float32', value: 5000 },
          }),
      ],
      [
        'with a factor for each pair',
        (file) => ({ ...file, tensors: [...file.tensors, tensor('rope_freqs.weight', [1, 2, 4, 8])] }),
      ],
      [
        'with biases',
        (file) => ({
          ...file,
          tensors: [
            ...file.tensors,
            tensor(
              'blk.0.attn_q.bias',
              Array.from({ length: 64 }, (_, at) => at / 64),
            ),
            tensor(
              'blk.2.attn_v.bias',
              Array.from({ length: 32 }, (_, at) => at / 64),
            ),
          ],
        }),
      ],
      [
        'with some weights in bf16',
        (file) => ({
          ...file,
          tensors: file.tensors.map((one) =>
            one.name.endsWith('ffn_norm.weight') || one.name === 'token_embd.weight' ? shortened(one) : one,
          ),
        }),
      ],
    ])('%s, to 1e-5', async (_, change) => {
      const file = change(storyModel())
      expect(await errorOf(file, writeModel(file), [KNOWN])).toBeLessThan(1e-5)
    })

    // Activations are rounded to 8 bits beside such weights; a number in a wrong place would change far more.
    it.each(['q8_0', 'q4_0'] as const)('with attention in %s, to 2e-3', async (type) => {
      const file = storyModel()
      const tensors = file.tensors.map((one) =>
        /attn_(?:q|k|v|o)/.test(one.name) ? quantised(one, type) : one,
      )
      const path = writeModel({ ...file, tensors })
      expect(await errorOf({ ...file, tensors }, path, [LETTERS[0]!])).toBeLessThan(2e-3)
    })

    it('of the architecture gpt2, to 2e-5', async () => {
      const file = gpt2Model()
      expect(await errorOf(file, writeModel(file), ['Once upon a time it was 7 o’clock.'])).toBeLessThan(2e-5)
    })
  },
)

/** Weights as bf16, cut. Norms stay as they are: llama.cpp has no such norms. */
function shortened(one: GgufTensor): GgufTensor {
  if (one.dims.length < 2) return one
  const halves = new Uint16Array(new Uint8Array(one.data).buffer).filter((_, at) => at % 2 === 1)
  return { ...one, type: 'bf16', data: new Uint8Array(halves.buffer) }
}

/** Weights in blocks of 32 with a scale, each rounded to the nearest. */
function quantised(one: GgufTensor, type: 'q8_0' | 'q4_0'): GgufTensor {
  const values = new Float32Array(new Uint8Array(one.data).buffer)
  const blocks = Array.from({ length: values.length / 32 }, (_, block) => {
    const own = values.subarray(block * 32, (block + 1) * 32)
    const bits = toHalf(
      own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / (type === 'q8_0' ? 127 : 7),
    )
    const whole = Array.from(own, (value) => Math.round(value / fromHalf(bits)))
    const places = Array.from({ length: 16 }, (_, at) => (whole[at]! + 8) | ((whole[at + 16]! + 8) << 4))
    return [bits & 255, bits >> 8, ...(type === 'q8_0' ? whole.map((value) => value & 255) : places)]
  })
  return { ...one, type, data: Uint8Array.from(blocks.flat()) }
}

/** Made-up weights, and the words of GPT-2. */
function gpt2Model(): GgufFile {
  const { metadata } = parseGguf(testdata('tokenizer/ggml-vocab-gpt-2.gguf'))
  const words = metadata.get('tokenizer.ggml.tokens')
  const vocabulary = words?.type === 'list' ? words.count : 0
  const model = tinyGpt2({ vocabulary, context: 128 })
  const own = [...metadata].filter(([key]) => key.startsWith('tokenizer.'))
  return { ...model, metadata: new Map([...model.metadata, ...own]) }
}

describe('the graph of the default model', () => {
  // llama.cpp rounds what goes into a product with q8_0 to 8 bits as well: training does not see that.
  it('gives texts the probability that llama.cpp gives them, to 2e-3', async () => {
    const path = join(MODELS, 'sotto-tiny-story-en/sotto-tiny-story-en.gguf')
    const file = parseGguf(new Uint8Array(readFileSync(path)))
    expect(await errorOf(file, path, ['The old gentleman took up his hat and went out.'])).toBeLessThan(2e-3)
  })
})
