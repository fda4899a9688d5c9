import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SottoError } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GgufTruncated, parseGgufHeader, readGgufHeader } from '../../../src/models/gguf/index.ts'
import { buildGguf } from './build.ts'

const SHIPPED = fileURLToPath(
  new URL('../../../../../models/sotto-tiny-story-en/sotto-tiny-story-en.gguf', import.meta.url),
)
const SETTINGS = {
  'general.architecture': { text: 'llama' },
  'tokenizer.ggml.tokens': { texts: ['<s>', 'a', 'b'] },
  'tokenizer.ggml.token_type': { u32s: [3, 1, 1] },
  'general.file_type': { u32: 15 },
}
const TENSORS = [
  { name: 'token_embd.weight', shape: [64, 32], type: 12 },
  { name: 'blk.0.attn_q.weight', shape: [64, 64], type: 6 },
  { name: 'blk.0.norm', shape: [64], type: 0 },
]
const WHOLE = buildGguf({ settings: SETTINGS, tensors: TENSORS })

it('reads the shipped model', async () => {
  expect(await readGgufHeader(SHIPPED)).toEqual({
    architecture: 'llama',
    quantization: 'q8_0',
    parameters: 2_755_008,
    weights: [
      { type: 'q8_0', parameters: 2_752_512 },
      { type: 'f32', parameters: 2496 },
    ],
  })
})

it('counts weights by their type, the most first', () => {
  expect(parseGgufHeader(WHOLE)).toEqual({
    architecture: 'llama',
    quantization: 'q4_k_m',
    parameters: 64 * 64 + 64 * 32 + 64,
    weights: [
      { type: 'q5_0', parameters: 64 * 64 },
      { type: 'q4_K', parameters: 64 * 32 },
      { type: 'f32', parameters: 64 },
    ],
  })
})

it('calls a file by most of its weights where it has no type of its own, or an unknown one', () => {
  expect(parseGgufHeader(buildGguf({ tensors: TENSORS })).quantization).toBe('q5_0')
  const settings = { 'general.file_type': { u32: 99 } }
  expect(parseGgufHeader(buildGguf({ settings, tensors: TENSORS })).quantization).toBe('q5_0')
  const odd = buildGguf({ tensors: [{ name: 'a', shape: [1], type: 77 }] })
  expect(parseGgufHeader(odd).weights).toEqual([{ type: 'type 77', parameters: 1 }])
})

const HUGE = 2 ** 40
/** A list of one list of one list: each is the type of its elements, and how many there are. */
const deep = (depth: number): number[] =>
  [[9, 0, 0, 0], ...Array.from({ length: depth }, () => [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])].flat()

describe('refuses', () => {
  it.each([
    ['another format', Buffer.from('GGML'.repeat(16))],
    ['version 1', buildGguf({ version: 1 })],
    ['version 4', buildGguf({ version: 4 })],
    ['the byte order of other machines', Buffer.from(WHOLE.subarray(0, 64)).swap32()],
    [
      'more tensors than any model has',
      Buffer.concat([WHOLE.subarray(0, 8), Buffer.alloc(8, 0x7f), Buffer.alloc(64)]),
    ],
    ['more weights than can be', buildGguf({ tensors: [{ name: 'a', shape: [HUGE, HUGE], type: 0 }] })],
    ['a tensor without dimensions', buildGguf({ tensors: [{ name: 'a', shape: [], type: 0 }] })],
    ['a tensor of five', buildGguf({ tensors: [{ name: 'a', shape: [1, 1, 1, 1, 1], type: 0 }] })],
    ['a name of a megabyte', buildGguf({ settings: { ['k'.repeat(1_000_000)]: { u32: 1 } } })],
    ['an unknown type of a setting', buildGguf({ settings: { k: { raw: [13, 0, 0, 0, 0, 0, 0, 0] } } })],
    ['lists in lists without end', buildGguf({ settings: { k: { raw: deep(6) } } })],
  ])('%s', (_, bytes) => {
    expect(() => parseGgufHeader(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }))
  })

  it('a file that ends within its header', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-gguf-'))
    writeFileSync(join(folder, 'cut.gguf'), WHOLE.subarray(0, -1))
    await expect(readGgufHeader(join(folder, 'cut.gguf'))).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    await expect(readGgufHeader(join(folder, 'none.gguf'))).rejects.toMatchObject({ code: 'CLI_FILE' })
    rmSync(folder, { recursive: true })
  })
})

describe('whatever the bytes', () => {
  it('says of every beginning of a header that there is more', () => {
    for (let length = 0; length < WHOLE.length; length++)
      expect(() => parseGgufHeader(WHOLE.subarray(0, length))).toThrow(GgufTruncated)
  })

  it('answers or refuses in words of its own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = Uint8Array.from(WHOLE)
          for (const [at, value] of edits) bytes[at] = value
          try {
            const { parameters, weights } = parseGgufHeader(bytes)
            expect(weights.reduce((sum, one) => sum + one.parameters, 0)).toBe(parameters)
          } catch (error) {
            if (error instanceof GgufTruncated) return
            expect(error).toBeInstanceOf(SottoError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
