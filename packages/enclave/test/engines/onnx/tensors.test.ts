import { Tensor } from 'onnxruntime-node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  asPortType,
  floatTensor,
  fromWire,
  idTensor,
  takeRows,
  toFloats,
  toWire,
} from '../../../src/engines/onnx/index.ts'
import type { Port } from '../../../src/engines/onnx/index.ts'
import type { Tensor as WireTensor, TensorType } from '../../../src/engines/index.ts'

const runs = process.env['SLOW'] ? 500 : 25
const code = (value: string): unknown => expect.objectContaining({ code: value })

function port(type: Port['type'], shape: readonly number[]): Port {
  return { name: 'x', type, shape }
}

function wire(datatype: TensorType, shape: readonly number[], data: Uint8Array): WireTensor {
  return { name: 'x', datatype, shape, data }
}

test('half precision and back keeps every half-precision number', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7c00) !== 0x7c00)
  const half = new Tensor('float16', bits, [bits.length])
  const back = asPortType(floatTensor(toFloats(half), [bits.length]), port('float16', [-1]))
  const { buffer, byteOffset, byteLength } = back.data as unknown as Uint16Array
  expect(new Uint16Array(buffer, byteOffset, byteLength / 2)).toEqual(bits)
})

test('rounds to the nearest half, ties to even, and overflows to infinity', () => {
  const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 65519, 65520, 2 ** -25, 3 * 2 ** -25, -0.1]
  const half = asPortType(floatTensor(Float32Array.from(values), [values.length]), port('float16', [-1]))
  expect([...toFloats(half)]).toEqual([1, 1 + 2 ** -9, 65504, 65504, Infinity, 0, 2 ** -23, -0.0999755859375])
})

test('takes rows in any order, and the same tensor where nothing changes', () => {
  const tensor = floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])
  expect(takeRows(tensor, [0, 1, 2])).toBe(tensor)
  const taken = takeRows(tensor, [2, 2, 0, 1])
  expect(taken.dims).toEqual([4, 2])
  expect([...(taken.data as Float32Array)]).toEqual([5, 6, 5, 6, 1, 2, 3, 4])
})

test('makes ids of the type the port wants', () => {
  expect(idTensor([1, 2, 3, 4], 2).type).toBe('int64')
  const small = idTensor([1, 2, 3, 4], 2, port('int32', [-1, -1]))
  expect([small.type, small.dims]).toEqual(['int32', [2, 2]])
})

test.each([
  'BOOL',
  'UINT8',
  'INT8',
  'UINT16',
  'INT16',
  'FP16',
  'UINT32',
  'INT32',
  'FP32',
  'UINT64',
  'INT64',
  'FP64',
] as const)('%s survives the way in and out, at any offset', (datatype) => {
  const runtime = { BOOL: 'bool', FP16: 'float16', FP32: 'float32', FP64: 'float64' } as Record<
    string,
    Port['type']
  >
  const type = runtime[datatype] ?? (datatype.toLowerCase() as Port['type'])
  const bytes = Number(/\d+/.exec(datatype)?.[0] ?? 8) / 8
  fc.assert(
    fc.property(fc.nat(8), fc.nat(7), (count, offset) => {
      const message = Uint8Array.from({ length: offset + count * bytes }, (_, i) =>
        datatype === 'BOOL' ? i % 2 : i * 7,
      )
      const data = message.subarray(offset)
      const back = toWire('x', fromWire(wire(datatype, [count], data), port(type, [-1])))
      expect(back).toEqual({ name: 'x', datatype, shape: [count], data: data.slice() })
    }),
    { numRuns: runs },
  )
})

test('text survives the way in and out', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (values) => {
      const tensor = new Tensor('string', values, [values.length])
      const sent = toWire('x', tensor)
      const read = fromWire(sent, port('string', [-1]))
      expect(read.data).toEqual(values)
    }),
    { numRuns: runs },
  )
})

test.each([
  ['another type', wire('INT32', [1], new Uint8Array(4))],
  ['an unknown type', wire('FP8' as never, [1], new Uint8Array(1))],
  ['another rank', wire('FP32', [1, 1], new Uint8Array(4))],
  ['another fixed dimension', wire('FP32', [2], new Uint8Array(8))],
  ['a negative dimension', wire('FP32', [-1], new Uint8Array(4))],
  ['a fractional dimension', wire('FP32', [0.5], new Uint8Array(2))],
  ['too little data', wire('FP32', [1], new Uint8Array(3))],
  ['too much data', wire('FP32', [1], new Uint8Array(5))],
])('refuses a tensor with %s', (_, tensor) => {
  expect(() => fromWire(tensor, port('float32', [1]))).toThrow(code('ENGINE_INPUT'))
})

test.each([
  ['a cut length', [1, 0]],
  ['a cut element', [5, 0, 0, 0, 65]],
  ['one element too many', [1, 0, 0, 0, 65, 1, 0, 0, 0, 65]],
  ['bytes that are not text', [1, 0, 0, 0, 0xff]],
])('refuses BYTES with %s', (_, data) => {
  const tensor = wire('BYTES', [1], Uint8Array.from(data))
  expect(() => fromWire(tensor, port('string', [-1]))).toThrow(code('ENGINE_INPUT'))
})
