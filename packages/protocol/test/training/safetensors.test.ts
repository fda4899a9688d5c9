import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '../../src/bytes/index.ts'
import { encodeSafetensors, floatsOf, parseSafetensors, type Safetensor } from '../../src/training/index.ts'

/** A file of this header and so many bytes. */
function file(header: string, bodyBytes = 0, stated = header.length): Uint8Array {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(stated), true)
  return concat(length, utf8(header), new Uint8Array(bodyBytes))
}

const NONE = new Map<string, string>()

describe('a file of named tensors', () => {
  it('is the one that the format describes', () => {
    const bytes = encodeSafetensors({
      metadata: new Map([['format', 'pt']]),
      tensors: [
        { name: 'b', type: 'F32', shape: [2], data: new Uint8Array(Float32Array.of(1, -2).buffer) },
        { name: 'a', type: 'U8', shape: [1, 3], data: Uint8Array.of(7, 8, 9) },
      ],
    })
    const header =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[1,3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}}'
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
    expect(Buffer.from(bytes.subarray(8, 8 + padded.length)).toString()).toBe(padded)
    expect([...bytes.subarray(0, 8)]).toEqual([padded.length, 0, 0, 0, 0, 0, 0, 0])
    const { tensors, metadata } = parseSafetensors(bytes)
    expect(metadata).toEqual(new Map([['format', 'pt']]))
    expect([...floatsOf(tensors[1]!)]).toEqual([1, -2])
    expect(() => floatsOf(tensors[0]!)).toThrow(expect.objectContaining({ code: 'TRAINING_SAFETENSORS' }))
  })

  it('comes back as it was written, whatever is in it', () => {
    const tensor = fc
      .record({
        type: fc.constantFrom('U8' as const, 'F16' as const, 'F32' as const, 'F64' as const),
        shape: fc.array(fc.nat(4), { maxLength: 3 }),
      })
      .chain(({ type, shape }) => {
        const bytes = { U8: 1, F16: 2, F32: 4, F64: 8 }[type] * shape.reduce((a, b) => a * b, 1)
        return fc.record({
          name: fc
            .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
            .filter((name) => name !== '__metadata__'),
          type: fc.constant(type),
          shape: fc.constant(shape),
          data: fc.uint8Array({ minLength: bytes, maxLength: bytes }),
        })
      })
    const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 })
    fc.assert(
      fc.property(tensors, fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), (given, metadata) => {
        const entries = new Map(Object.entries(metadata))
        const bytes = encodeSafetensors({ tensors: given, metadata: entries })
        const read = parseSafetensors(bytes)
        const byName = (a: Safetensor, b: Safetensor): number => (a.name < b.name ? -1 : 1)
        expect(read.tensors.toSorted(byName)).toEqual(given.toSorted(byName))
        expect(read.metadata).toEqual(entries)
        expect(encodeSafetensors(read)).toEqual(bytes)
      }),
    )
  })

  it.each([
    ['cut before its header', new Uint8Array(7)],
    ['with a header past its end', file('{}', 0, 3)],
    ['with a header of any size', file('{}', 0, 2 ** 40)],
    ['with no JSON', file('{"a"', 0)],
    ['with a list', file('[]')],
    [
      'with a name twice',
      file(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
    ],
    ['with bytes of nobody at its end', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 2)],
    ['with bytes of nobody before', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2)],
    [
      'with bytes of two',
      file(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        3,
      ),
    ],
    ['with a tensor outside', file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 1)],
    ['with a tensor backwards', file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}', 1)],
    ['with a shape of more', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4)],
    [
      'with a shape past all numbers',
      file('{"a":{"dtype":"U8","shape":[9007199254740991,2],"data_offsets":[0,1]}}', 1),
    ],
    ['with a shape of parts', file('{"a":{"dtype":"U8","shape":[0.5],"data_offsets":[0,1]}}', 1)],
    ['with another type', file('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1)],
    ['with a type of all objects', file('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}', 1)],
    ['with a member of no meaning', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1)],
    ['with metadata of numbers', file('{"__metadata__":{"a":1}}')],
  ])('%s is refused', (_, bytes) => {
    expect(() => parseSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'TRAINING_SAFETENSORS', action: 'fix-input' }),
    )
  })

  it.each([
    [
      'a name twice',
      [
        { name: 'a', type: 'U8', shape: [0], data: new Uint8Array() },
        { name: 'a', type: 'U8', shape: [0], data: new Uint8Array() },
      ],
    ],
    ['the name of metadata', [{ name: '__metadata__', type: 'U8', shape: [0], data: new Uint8Array() }]],
    ['data of another shape', [{ name: 'a', type: 'U8', shape: [2], data: Uint8Array.of(1) }]],
  ] as [string, Safetensor[]][])('is not written with %s', (_, tensors) => {
    expect(() => encodeSafetensors({ tensors, metadata: NONE })).toThrow(
      expect.objectContaining({ code: 'TRAINING_SAFETENSORS' }),
    )
  })
})
