import { encodeGguf, ggufFloats, type GgufFile, type GgufValue, parseGguf } from '@sotto/protocol/gguf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SAMPLE, words } from './files.ts'

const number = (type: 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32', min: number, max: number) =>
  fc.integer({ min, max }).map((value): GgufValue => ({ type, value }))

const value: fc.Arbitrary<GgufValue> = fc.oneof(
  number('uint8', 0, 255),
  number('int8', -128, 127),
  number('uint16', 0, 65_535),
  number('int16', -32_768, 32_767),
  number('uint32', 0, 2 ** 32 - 1),
  number('int32', -(2 ** 31), 2 ** 31 - 1),
  fc.float({ noNaN: true }).map((value): GgufValue => ({ type: 'float32', value })),
  fc.double({ noNaN: true }).map((value): GgufValue => ({ type: 'float64', value })),
  fc.boolean().map((value): GgufValue => ({ type: 'bool', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): GgufValue => ({ type: 'uint64', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): GgufValue => ({ type: 'int64', value })),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((value): GgufValue => ({ type: 'string', value })),
  fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }), { maxLength: 4 }).map((all) => words(...all)),
)

const BLOCKS = { f32: [1, 4], f16: [1, 2], bf16: [1, 2], q8_0: [32, 34], q4_0: [32, 18] } as const

const tensor = fc
  .record({
    type: fc.constantFrom('f32' as const, 'f16' as const, 'bf16' as const, 'q8_0' as const, 'q4_0' as const),
    rows: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    blocks: fc.integer({ min: 1, max: 3 }),
  })
  .chain(({ type, rows, blocks }) => {
    const [elements, bytes] = BLOCKS[type]
    const length = rows.reduce((product, size) => product * size, blocks) * bytes
    return fc.record({
      name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      type: fc.constant(type),
      dims: fc.constant([...rows, blocks * elements]),
      data: fc.uint8Array({ minLength: length, maxLength: length }),
    })
  })

const file: fc.Arbitrary<GgufFile> = fc.record({
  metadata: fc
    .uniqueArray(fc.tuple(fc.string({ maxLength: 8 }), value), { selector: ([key]) => key, maxLength: 5 })
    .filter((entries) => entries.every(([key]) => key !== 'general.alignment'))
    .map((entries) => new Map(entries)),
  tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 4 }),
})

describe('a GGUF file', () => {
  it('comes back as it was written, and is written again as the same bytes', () => {
    fc.assert(
      fc.property(file, (given) => {
        const bytes = encodeGguf(given)
        const read = parseGguf(bytes)
        expect(read).toEqual(given)
        expect(encodeGguf(read)).toEqual(bytes)
      }),
      { numRuns: process.env['SLOW'] ? 1000 : 100 },
    )
  })

  it('is the one that the format describes', () => {
    const bytes = encodeGguf({ metadata: new Map([['k', { type: 'uint32', value: 5 }]]), tensors: [] })
    const zeros = [0, 0, 0, 0, 0, 0, 0]
    const header = [0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0, ...zeros, 1, ...zeros]
    const entry = [1, ...zeros, 0x6b, 4, 0, 0, 0, 5, 0, 0, 0]
    expect([...bytes]).toEqual([...header, ...entry, ...new Uint8Array(64 - header.length - entry.length)])
    const [first] = parseGguf(encodeGguf(SAMPLE)).tensors
    expect([...ggufFloats(first!)]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('keeps another alignment that it states', () => {
    const metadata = new Map<string, GgufValue>([['general.alignment', { type: 'uint32', value: 64 }]])
    const bytes = encodeGguf({ ...SAMPLE, metadata })
    expect(bytes.length % 64).toBe(0)
    expect(parseGguf(bytes).tensors).toEqual(SAMPLE.tensors)
  })
})

describe('numbers of a tensor', () => {
  const all = (type: 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0', ...data: number[]): number[] => [
    ...ggufFloats({ type, data: Uint8Array.from(data) }),
  ]

  it('of f16 and bf16 are exact', () => {
    expect(all('f16', 0, 0x3c, 0, 0xc0, 1, 0, 0, 0x7c)).toEqual([1, -2, 2 ** -24, Infinity])
    expect(all('bf16', 0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40)).toEqual([1, -2, 3.140625])
  })

  it('of q8_0 are a scale times signed bytes', () => {
    const block = [0, 0x38, ...Array.from({ length: 32 }, (_, at) => (at * 8) & 255)]
    const signed = Array.from({ length: 32 }, (_, at) => (at < 16 ? at * 8 : at * 8 - 256) / 2)
    expect(all('q8_0', ...block, ...block)).toEqual([...signed, ...signed])
  })

  it('of q4_0 are a scale times half bytes minus 8, the low halves first', () => {
    const block = [0, 0x40, ...Array.from({ length: 16 }, (_, at) => at | ((15 - at) << 4))]
    const low = Array.from({ length: 16 }, (_, at) => 2 * (at - 8))
    expect(all('q4_0', ...block)).toEqual([...low, ...low.toReversed()])
  })

  it('begin at any byte of a file', () => {
    const bytes = Uint8Array.of(9, ...encodeGguf(SAMPLE)).subarray(1)
    expect(parseGguf(bytes).tensors.map((one) => [...ggufFloats(one)])).toEqual([
      [1, 2, 3, 4, 5, 6],
      [9],
      [1, -2, 2 ** -24],
      [1, -2],
    ])
  })
})
