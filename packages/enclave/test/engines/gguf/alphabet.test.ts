import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import { encodeGguf, encodeScalar, type GgufFile, type GgufValue, parseGguf } from '@sotto/protocol/gguf'
import { describe, expect, it } from 'vitest'
import { requireAlphabet } from '../../../src/engines/gguf/alphabet.ts'
import { openTokenizer } from '../../../src/engines/gguf/tokenizer.ts'
import { writeModel } from '../../train/stories.ts'
import { modelFile } from '../fixtures/model.ts'
import { MODELS } from '../testdata.ts'

const BYTES = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
)
const LETTERS = Array.from({ length: 127 }, (_, at) => String.fromCharCode(at + 1))

describe('a vocabulary that writes byte by byte', () => {
  it('has all of them, by their names or as letters', () => {
    expect(() => requireAlphabet('llama', ['a', ...BYTES])).not.toThrow()
    expect(() => requireAlphabet('llama', [...LETTERS, ...BYTES.slice(128), BYTES[0]!])).not.toThrow()
  })

  it.each([0, 0x41, 0x7f, 0x80, 0xff])('is refused without byte %i', (byte) => {
    expect(() => requireAlphabet('llama', BYTES.toSpliced(byte, 1))).toThrow(
      expect.objectContaining({ code: 'ENGINE_MODEL_INVALID', expected: BYTES[byte]! }),
    )
  })

  it('is no other', () => {
    expect(() => requireAlphabet('gpt2', [])).not.toThrow()
  })
})

describe('the default model', () => {
  const TOKENS = 'tokenizer.ggml.tokens'
  const file = parseGguf(
    new Uint8Array(readFileSync(join(MODELS, 'sotto-tiny-story-en/sotto-tiny-story-en.gguf'))),
  )

  /** The same with other words. */
  function renamed(change: (word: string) => string): GgufFile {
    const { items, ...list } = file.metadata.get(TOKENS) as GgufValue & { type: 'list' }
    const words: Uint8Array[] = []
    for (let at = 0; at < items.length;) {
      const length = Number(new DataView(items.buffer, items.byteOffset + at).getBigUint64(0, true))
      const word = fromUtf8(items.subarray(at + 8, at + 8 + length))
      words.push(encodeScalar({ type: 'string', value: change(word) }))
      at += 8 + length
    }
    return { ...file, metadata: new Map([...file.metadata, [TOKENS, { ...list, items: concat(...words) }]]) }
  }

  function open(model: GgufFile): ReturnType<typeof openTokenizer> {
    const bytes = encodeGguf(model)
    const weights = { ...modelFile('model.gguf', bytes, 'weights'), path: writeModel(model) }
    return openTokenizer({ files: new Map([[weights.name, weights]]), threads: 1 })
  }

  it('writes every text, and is not opened without one of its bytes', async () => {
    const tokenizer = await open(file)
    expect(tokenizer.tokenize('\u00e9\u{1f600}\0').length).toBeGreaterThan(4)
    await tokenizer.close()
    await expect(open(renamed((word) => (word === '<0xC3>' ? 'zzq' : word)))).rejects.toMatchObject({
      code: 'ENGINE_MODEL_INVALID',
      expected: '<0xC3>',
    })
  })
})
