import {
  type Datatype,
  DATATYPES,
  elementBytes,
  fromHalf,
  joinByteElements,
  splitByteElements,
  toHalf,
} from '@sotto/protocol/tensors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJsonData } from '../../../src/api/kserve/read-json-data.ts'
import { fitsJson, writeJsonData } from '../../../src/api/kserve/write-json-data.ts'

const runs = { numRuns: process.env['SLOW'] ? 5000 : 200 }

function read(text: string, datatype: Datatype, shape: number[]): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1)
  let held = 0
  const hold = (bytes: number): void => void (held += bytes)
  const data = readJsonData(text, { start: 0, end: text.length }, { datatype, shape, count }, 'data', hold)
  // What it allocated is what it said before.
  expect(held).toBe(data.length)
  return data
}

describe('JSON data of tensors', () => {
  it.each(DATATYPES.filter((datatype) => datatype !== 'BYTES'))(
    '%s: what is written reads as the same bytes',
    (datatype) => {
      const width = elementBytes(datatype)!
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
          const data =
            datatype === 'BOOL'
              ? bytes.map((byte) => byte & 1)
              : bytes.slice(0, bytes.length - (bytes.length % width))
          const tensor = { name: 'x', datatype, shape: [data.length / width], data }
          // What is left out is what has no form: infinite values and NaN.
          if (!fitsJson(tensor)) return datatype.startsWith('FP')
          const text = [...writeJsonData(tensor)].join('')
          expect(read(text, datatype, tensor.shape)).toEqual(data)
          expect(() => JSON.parse(text)).not.toThrow()
          return true
        }),
        runs,
      )
    },
  )

  it('BYTES: text comes back, anything else has no form', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
        const data = joinByteElements(words.map((word) => Buffer.from(word)))
        const tensor = { name: 'x', datatype: 'BYTES' as const, shape: [words.length], data }
        expect(fitsJson(tensor)).toBe(true)
        expect(read([...writeJsonData(tensor)].join(''), 'BYTES', tensor.shape)).toEqual(data)
      }),
      runs,
    )
    const data = joinByteElements([Uint8Array.of(0xc3)])
    expect(fitsJson({ name: 'x', datatype: 'BYTES', shape: [1], data })).toBe(false)
  })

  it('nested data reads as one row', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }), (shape) => {
        let next = 0
        const nest = (depth: number): unknown =>
          depth === shape.length ? next++ : Array.from({ length: shape[depth]! }, () => nest(depth + 1))
        const nested = JSON.stringify(nest(0), null, 1)
        const row = JSON.stringify(Array.from({ length: next }, (_, i) => i))
        expect(read(nested, 'INT32', shape)).toEqual(read(row, 'INT32', shape))
      }),
      runs,
    )
  })

  it('a long tensor is written in pieces that join', () => {
    const values = Float32Array.from({ length: 20_000 }, (_, i) => i / 7)
    const tensor = {
      name: 'x',
      datatype: 'FP32' as const,
      shape: [20_000],
      data: new Uint8Array(values.buffer),
    }
    const text = [...writeJsonData(tensor)].join('')
    expect((JSON.parse(text) as number[]).length).toBe(20_000)
    expect(read(text, 'FP32', [20_000])).toEqual(tensor.data)
  })
})

describe('half precision', () => {
  it('every pattern of a number comes back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits)
      if (Number.isNaN(value)) expect(Number.isNaN(fromHalf(toHalf(value)))).toBe(true)
      else if (toHalf(value) !== bits) throw new Error(`pattern ${bits} became ${toHalf(value)}`)
    }
  })

  it.skipIf(!('Float16Array' in globalThis))('rounds as the platform does', () => {
    const scratch = new Float16Array(1)
    const pattern = new Uint16Array(scratch.buffer)
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true }), fc.double({ min: -70_000, max: 70_000, noNaN: true })),
        (value) => {
          scratch[0] = value
          expect(toHalf(value)).toBe(pattern[0])
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('raw BYTES', () => {
  it('splits what was joined, and refuses every other count and any cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1 }), (parts) => {
        const joined = joinByteElements(parts)
        expect(splitByteElements(joined, parts.length)).toEqual(parts)
        expect(splitByteElements(joined, parts.length - 1)).toBeUndefined()
        expect(splitByteElements(joined, parts.length + 1)).toBeUndefined()
        expect(splitByteElements(joined.subarray(0, -1), parts.length)).toBeUndefined()
      }),
      runs,
    )
  })
})
