import { concat } from '@sotto/protocol/bytes'
import { encodeScalar, encodeGguf, type GgufFile, type GgufValue } from '@sotto/protocol/gguf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tinyGpt2 } from '../../../../protocol/test/gguf/tiny-models.ts'
import { piecesOf } from '../../../src/engines/gguf/pieces.ts'
import { openTokenizer } from '../../../src/engines/gguf/tokenizer.ts'
import { writeModel } from '../../train/stories.ts'
import { modelFile } from '../fixtures/model.ts'

const list = (words: readonly string[]): GgufValue => ({
  type: 'list',
  of: 'string',
  count: words.length,
  items: concat(...words.map((value) => encodeScalar({ type: 'string', value }))),
})

/** A model whose words are the 256 letters that byte pairs write bytes with, and `ab`. */
function bytePairs(): GgufFile {
  const isPlain = (byte: number): boolean =>
    (byte > 32 && byte < 127) || (byte > 160 && byte !== 173 && byte < 256)
  let others = 256
  const letters = Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPlain(byte) ? byte : others++),
  )
  const words = [...letters, 'ab', '<|endoftext|>']
  const end: GgufValue = { type: 'uint32', value: words.length - 1 }
  const file = tinyGpt2({ vocabulary: words.length })
  const tokenizer: [string, GgufValue][] = [
    ['model', { type: 'string', value: 'gpt2' }],
    ['pre', { type: 'string', value: 'falcon' }],
    ['tokens', list(words)],
    ['merges', list(['a b'])],
    ['bos_token_id', end],
    ['eos_token_id', end],
  ]
  const entries = tokenizer.map(([key, value]): [string, GgufValue] => [`tokenizer.ggml.${key}`, value])
  return { ...file, metadata: new Map([...file.metadata, ...entries]) }
}

describe('pieces of a text', () => {
  it('property: are the text, and end in no character', () => {
    const part = fc.constantFrom('a', '\u{1f600}', '\ud800', '\udc00', '\n')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 3 }), fc.nat(9000), part, (head, count, unit) => {
        const text = head.join('') + unit.repeat(count)
        const pieces = [...piecesOf(text)]
        expect(pieces.join('')).toBe(text)
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(8192)
        if (text.isWellFormed()) expect(pieces.every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })
})

describe('a vocabulary of byte pairs', () => {
  it('reads long texts of one kind, which end the process at once', async () => {
    const file = bytePairs()
    const weights = { ...modelFile('pairs.gguf', encodeGguf(file), 'weights'), path: writeModel(file) }
    const tokenizer = await openTokenizer({ files: new Map([[weights.name, weights]]), threads: 1 })
    expect(tokenizer.tokenize('1'.repeat(200_000))).toHaveLength(200_000)
    expect(tokenizer.tokenize('ab'.repeat(50_000))).toHaveLength(50_000)
    expect(tokenizer.tokenize('\u{1f600}'.repeat(10_000))).toHaveLength(40_000)
    await tokenizer.close()
  })
})
