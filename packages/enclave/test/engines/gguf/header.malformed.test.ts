import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkGgufHeader } from '../../../src/engines/gguf/header.ts'
import { MODELS, testdata, testdataMissing } from '../testdata.ts'
import { readFileSync } from 'node:fs'
import { withMetadata } from './with-metadata.ts'

const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)]
const u64 = (value: bigint | number): number[] => [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)]
const text = (value: string): number[] => [...u64(value.length), ...Buffer.from(value)]

/** A header with these parts; zeros follow it. */
function file(
  entries: number[][] = [],
  tensors: number[][] = [],
  over: { tensors?: bigint; entries?: bigint; magic?: string; version?: number } = {},
): Uint8Array {
  return Uint8Array.from([
    ...Buffer.from(over.magic ?? 'GGUF'),
    ...u32(over.version ?? 3),
    ...u64(over.tensors ?? tensors.length),
    ...u64(over.entries ?? entries.length),
    ...entries.flat(),
    ...tensors.flat(),
    ...new Uint8Array(64),
  ])
}
const check = (bytes: Uint8Array): void => {
  checkGgufHeader((position, length) => {
    expect(position + length).toBeLessThanOrEqual(bytes.length)
    return bytes.slice(position, position + length)
  }, bytes.length)
}
const refusal = (bytes: Uint8Array): string => {
  try {
    check(bytes)
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const entry = (type: number, ...value: number[]): number[] => [...text('k'), ...u32(type), ...value]
const tensor = (dims: (number | bigint)[], offset: number | bigint, count = dims.length): number[] => [
  ...text('t'),
  ...u32(count),
  ...dims.flatMap((size) => u64(size)),
  ...u32(0),
  ...u64(offset),
]

describe('the header of a GGUF file', () => {
  it('of every type of value, and of real files, is taken', () => {
    const entries = [
      entry(0, 1),
      entry(3, 1, 2),
      entry(6, ...u32(1)),
      entry(7, 1),
      entry(8, ...text('word')),
      entry(12, ...u64(1)),
      entry(9, ...u32(8), ...u64(2), ...text('a'), ...text('')),
      entry(9, ...u32(4), ...u64(2), ...u32(1), ...u32(2)),
    ]
    check(file(entries, [tensor([2, 3], 0), tensor([], 32)]))
    check(file(entries, [], { version: 2 }))
    check(readFileSync(`${MODELS}/sotto-tiny-story-en/sotto-tiny-story-en.gguf`))
    if (testdataMissing() !== undefined) return
    check(testdata('llm/stories260K-f32.gguf'))
    check(withMetadata(testdata('llm/stories260K-f32.gguf'), { more: 'of it' }))
  })

  it.each<[string, Uint8Array]>([
    ['another magic', file([], [], { magic: 'GGML' })],
    ['version 1', file([], [], { version: 1 })],
    ['version 4', file([], [], { version: 4 })],
    ['2^60 tensors', file([], [], { tensors: 2n ** 60n })],
    ['a million tensors', file([], [], { tensors: 1_000_000n })],
    ['2^60 entries', file([], [], { entries: 2n ** 60n })],
    ['more tensors than there are', file([], [tensor([2], 0)], { tensors: 9n })],
    ['more entries than there are', file([entry(0, 1)], [], { entries: 50n })],
    ['a key longer than the file', file([[...u64(2n ** 40n), 1]])],
    ['a key longer than a key', file([[...text('k'.repeat(2000)), ...u32(0), 1]])],
    ['a string longer than the file', file([entry(8, ...u64(5000))])],
    ['a list longer than the file', file([entry(9, ...u32(4), ...u64(5_000_000))])],
    ['a list of a trillion', file([entry(9, ...u32(0), ...u64(10n ** 12n))])],
    ['words longer than the file', file([entry(9, ...u32(8), ...u64(1), ...u64(2n ** 50n))])],
    ['a list of lists', file([entry(9, ...u32(9), ...u64(1))])],
    ['a value of type 13', file([entry(13, 1)])],
    ['five dimensions', file([], [tensor([1, 1, 1, 1, 1], 0)])],
    ['2^32 dimensions', file([], [tensor([], 0, 0xffff_ffff)])],
    ['a size of 2^63', file([], [tensor([2n ** 63n], 0)])],
    ['sizes that overflow', file([], [tensor([2 ** 30, 2 ** 30], 0)])],
    ['a tensor behind the end', file([], [tensor([1], 2 ** 40)])],
    ['nothing', new Uint8Array(0)],
  ])('with %s is refused', (_, bytes) => {
    expect(refusal(bytes)).toBe('ENGINE_MODEL_INVALID')
  })

  it('property: cut or changed anywhere it is taken or refused, in a moment, and never read past its end', () => {
    const whole = file([entry(9, ...u32(8), ...u64(2), ...text('a'), ...text('b'))], [tensor([2, 3], 0)])
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, value) => {
        expect(['accepted', 'ENGINE_MODEL_INVALID']).toContain(refusal(whole.subarray(0, cut)))
        const other = whole.slice()
        other[at] = value
        expect(['accepted', 'ENGINE_MODEL_INVALID']).toContain(refusal(other))
      }),
      { numRuns: 2000 },
    )
    for (let length = 0; length < whole.length - 64; length++)
      expect(refusal(whole.subarray(0, length))).toBe('ENGINE_MODEL_INVALID')
  })
})
