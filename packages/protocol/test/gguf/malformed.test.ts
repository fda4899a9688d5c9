import { encodeGguf, type GgufFile, type GgufTensor, parseGguf } from '@sotto/protocol/gguf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SAMPLE, tensor } from './files.ts'

const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)]
const u64 = (value: bigint | number): number[] => [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)]
const text = (value: string): number[] => [...u64(value.length), ...Buffer.from(value)]
const entry = (key: string, type: number, ...value: number[]): number[] => [
  ...text(key),
  ...u32(type),
  ...value,
]
const place = (name: string, sizes: (number | bigint)[], type: number, offset: number): number[] => [
  ...text(name),
  ...u32(sizes.length),
  ...sizes.flatMap(u64),
  ...u32(type),
  ...u64(offset),
]

/** A file of these parts; its data begin at the next multiple of 32. */
function file(entries: number[][], tensors: number[][], dataBytes: number): Uint8Array {
  const counts = [...u32(3), ...u64(tensors.length), ...u64(entries.length)]
  const header = [...Buffer.from('GGUF'), ...counts, ...entries.flat(), ...tensors.flat()]
  return Uint8Array.from([
    ...header,
    ...new Uint8Array(Math.ceil(header.length / 32) * 32 - header.length + dataBytes),
  ])
}

describe('a GGUF file', () => {
  it.each<[string, Uint8Array]>([
    ['with a key twice', file([entry('k', 0, 1), entry('k', 0, 1)], [], 0)],
    ['with a key that is no UTF-8', file([[...u64(1), 0xff, ...u32(0), 1]], [], 0)],
    ['with a text that is no UTF-8', file([entry('k', 8, ...u64(1), 0xff)], [], 0)],
    ['with a text of 2 MiB', file([entry('k', 8, ...u64(2 ** 21))], [], 2 ** 21)],
    ['with a truth of 2', file([entry('k', 7, 2)], [], 0)],
    ['with an alignment of 0', file([entry('general.alignment', 4, ...u32(0))], [], 0)],
    ['with an alignment of 48', file([entry('general.alignment', 4, ...u32(48))], [], 0)],
    ['with an alignment of 2^31', file([entry('general.alignment', 4, ...u32(2 ** 31))], [], 0)],
    ['with an alignment in words', file([entry('general.alignment', 8, ...text('32'))], [], 0)],
    ['with a name twice', file([], [place('t', [1], 0, 0), place('t', [1], 0, 32)], 64)],
    ['with a tensor of no name', file([], [place('', [1], 0, 0)], 32)],
    ['with an empty tensor', file([], [place('t', [0], 0, 0)], 0)],
    ['with a gap', file([], [place('a', [1], 0, 0), place('b', [1], 0, 64)], 96)],
    ['with tensors over each other', file([], [place('a', [16], 0, 0), place('b', [1], 0, 32)], 64)],
    ['with tensors in another order', file([], [place('a', [1], 0, 32), place('b', [1], 0, 0)], 64)],
    ['with a tensor that is cut', file([], [place('t', [9], 0, 0)], 32)],
    ['with a tensor of 2^50', file([], [place('t', [2 ** 50], 0, 0)], 32)],
    ['with a row that ends in a block', file([], [place('t', [33], 8, 0)], 64)],
    ['with bytes behind its end', file([], [place('t', [1], 0, 0)], 33)],
    ['with bytes and no tensor', file([], [], 32)],
    ['cut short', encodeGguf(SAMPLE).subarray(0, -32)],
    ['of nothing', new Uint8Array(0)],
  ])('%s is refused', (_, bytes) => {
    expect(() => parseGguf(bytes)).toThrow(
      expect.objectContaining({ code: 'GGUF_MALFORMED', action: 'fix-input' }),
    )
  })

  it('is refused by name for numbers that are not read', () => {
    expect(() => parseGguf(file([], [place('blk.0.w', [256], 12, 0)], 144))).toThrow(
      expect.objectContaining({ code: 'GGUF_UNSUPPORTED', found: 'blk.0.w' }),
    )
  })

  it('may end with its last tensor', () => {
    expect(parseGguf(file([], [place('t', [1], 0, 0)], 4)).tensors).toHaveLength(1)
  })

  it.each<[string, Partial<GgufFile>]>([
    ['a name twice', { tensors: [tensor('t', [1], [1]), tensor('t', [1], [1])] }],
    ['no name', { tensors: [tensor('', [1], [1])] }],
    ['a name of 2000 letters', { tensors: [tensor('t'.repeat(2000), [1], [1])] }],
    ['data of other dimensions', { tensors: [tensor('t', [2], [1])] }],
    ['five dimensions', { tensors: [tensor('t', [1, 1, 1, 1, 1], [1])] }],
    ['an empty dimension', { tensors: [tensor('t', [0], [])] }],
    ['half a block', { tensors: [{ name: 't', type: 'q8_0', dims: [16], data: new Uint8Array(17) }] }],
    ['an alignment of 7', { metadata: new Map([['general.alignment', { type: 'uint32', value: 7 }]]) }],
  ])('is not written with %s', (_, more) => {
    const given: { metadata: GgufFile['metadata']; tensors: readonly GgufTensor[] } = { ...SAMPLE, ...more }
    expect(() => encodeGguf(given)).toThrow(expect.objectContaining({ code: 'GGUF_MALFORMED' }))
  })

  it('property: cut or changed anywhere it is read or refused, in a moment', () => {
    const whole = encodeGguf(SAMPLE)
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, value) => {
        const other = whole.slice()
        other[at] = value
        for (const bytes of [whole.subarray(0, cut), other])
          try {
            parseGguf(bytes)
          } catch (error) {
            expect(['GGUF_MALFORMED', 'GGUF_UNSUPPORTED']).toContain((error as { code: string }).code)
          }
      }),
      { numRuns: 1000 },
    )
  })
})
