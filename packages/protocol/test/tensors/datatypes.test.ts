import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  DATATYPES,
  ELEMENT_ARRAYS,
  elementBytes,
  isDatatype,
  isWholeTensor,
  joinByteElements,
  MAX_RANK,
  type NumericDatatype,
} from '@sotto/protocol/tensors'

it('every datatype but BYTES has one width: that of the array that holds it', () => {
  const widths = DATATYPES.map((datatype) => [datatype, elementBytes(datatype)])
  expect(Object.fromEntries(widths)).toEqual({
    BOOL: 1,
    UINT8: 1,
    UINT16: 2,
    UINT32: 4,
    UINT64: 8,
    INT8: 1,
    INT16: 2,
    INT32: 4,
    INT64: 8,
    FP16: 2,
    FP32: 4,
    FP64: 8,
    BYTES: undefined,
  })
  for (const word of ['toString', '__proto__', 'fp32', '', 5]) expect(isDatatype(word)).toBe(false)
})

it('counts elements of a shape, or says that there is none', () => {
  expect([[], [3], [2, 0, 9], [2, 3]].map(countElements)).toEqual([1, 3, 0, 6])
  for (const shape of [[-1], [0.5], [2 ** 30, 2 ** 30], Array.from({ length: MAX_RANK + 1 }, () => 1)])
    expect(countElements(shape)).toBeUndefined()
})

it('property: numbers are whole when they are as long as their shape says, and not a byte more or less', () => {
  const datatype = fc.constantFrom(...(Object.keys(ELEMENT_ARRAYS) as NumericDatatype[]))
  fc.assert(
    fc.property(
      datatype,
      fc.array(fc.nat(4), { maxLength: 3 }),
      fc.integer({ min: -2, max: 2 }),
      (kind, shape, off) => {
        const length = countElements(shape)! * elementBytes(kind)! + off
        fc.pre(length >= 0)
        expect(isWholeTensor({ datatype: kind, shape, data: new Uint8Array(length) })).toBe(off === 0)
      },
    ),
  )
})

it('texts are whole when they are as many as the shape says, each as long as it says', () => {
  const data = joinByteElements([utf8('a'), utf8(''), utf8('ü')])
  const whole = (shape: number[], bytes: Uint8Array): boolean =>
    isWholeTensor({ datatype: 'BYTES', shape, data: bytes })
  expect(whole([3], data) && whole([1, 3, 1], data) && whole([0], new Uint8Array(0))).toBe(true)
  for (const shape of [[2], [4], [], [-1], [2 ** 52]]) expect(whole(shape, data)).toBe(false)
  for (let length = 0; length < data.length; length++)
    expect(whole([3], data.subarray(0, length))).toBe(false)
})
