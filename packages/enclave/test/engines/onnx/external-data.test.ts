import { hasCode } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { externalDataOf, openSession } from '../../../src/engines/onnx/index.ts'
import { fixtureBytes } from '../fixtures/read.ts'
import { externalEntry, externalTensor, field, model, node, number } from './build-model.ts'

const ADD = field(1, node('Add', ['x', 'w'], ['y']))
const attribute = (...body: readonly number[][]): number[] => field(5, field(1, 'value'), ...body)

/** Every place of a model that can hold a tensor. */
const PLACES: Record<string, (tensor: number[]) => Uint8Array> = {
  'an initializer': (tensor) => model(ADD, field(5, tensor)),
  'the values of a sparse initializer': (tensor) => model(ADD, field(15, field(1, tensor))),
  'the indices of a sparse initializer': (tensor) => model(ADD, field(15, field(2, tensor))),
  'an attribute': (tensor) => model(field(1, node('Constant', [], ['w'], attribute(field(5, tensor)))), ADD),
  'a list of an attribute': (tensor) => model(field(1, node('Odd', [], ['w'], attribute(field(10, tensor))))),
  'a sparse attribute': (tensor) =>
    model(field(1, node('Odd', [], ['w'], attribute(field(22, field(1, tensor)))))),
  'a list of sparse attributes': (tensor) =>
    model(field(1, node('Odd', [], ['w'], attribute(field(23, field(1, tensor)))))),
  'a branch of an If': (tensor) =>
    model(field(1, node('If', ['x'], ['y'], attribute(field(6, field(5, tensor)))))),
  'a list of graphs': (tensor) =>
    model(field(1, node('Odd', ['x'], ['y'], attribute(field(11, field(5, tensor)))))),
  'a function': (tensor) =>
    Uint8Array.from([
      ...model(ADD),
      ...field(25, field(7, node('Constant', [], ['w'], attribute(field(5, tensor))))),
    ]),
  'a default of a function': (tensor) =>
    Uint8Array.from([...model(ADD), ...field(25, field(11, field(1, 'a'), field(5, tensor)))]),
  'the training graph': (tensor) =>
    Uint8Array.from([...model(ADD), ...field(20, field(2, field(5, tensor)))]),
  'a second graph field, which protobuf merges into the first': (tensor) =>
    Uint8Array.from([...model(ADD), ...field(7, field(5, tensor))]),
}

test.each(Object.entries(PLACES))('finds external data in %s', (_, build) => {
  expect([...externalDataOf(build(externalTensor('w', 'secrets.bin')))]).toEqual(['secrets.bin'])
})

test('finds the tag by which the runtime would read memory', () => {
  const bytes = PLACES['an initializer']!(externalTensor('w', '*/_ORT_MEM_ADDR_/*'))
  expect([...externalDataOf(bytes)]).toEqual(['*/_ORT_MEM_ADDR_/*'])
})

test('reports a tensor marked external without a place as the empty name', () => {
  const marked = [...number(1, 1), ...number(2, 1), ...field(8, 'w'), ...number(14, 1)]
  const offsetOnly = [...number(1, 1), ...number(2, 1), ...field(8, 'w'), ...externalEntry('offset', '0')]
  for (const tensor of [marked, offsetOnly])
    expect([...externalDataOf(model(ADD, field(5, tensor)))]).toEqual([''])
})

test('finds none in exports whose weights are inside', () => {
  expect(externalDataOf(fixtureBytes('t5', 'decoder_model.onnx')).size).toBe(0)
  expect(externalDataOf(fixtureBytes('bart', 'decoder_model_merged.onnx')).size).toBe(0)
})

test.each([
  ['no bytes', new Uint8Array(0)],
  ['a message without a graph', Uint8Array.from(number(1, 8))],
  ['a truncated length', Uint8Array.of(0x3a, 0xff)],
  ['a length past the end', Uint8Array.of(0x3a, 0x05, 0x0a)],
  ['an endless varint', Uint8Array.from([0x08, ...Array<number>(11).fill(0x80)])],
  ['a group', Uint8Array.of(0x0b, 0x0c)],
  ['field number zero', Uint8Array.of(0x02, 0x00)],
  ['a graph that is a number', Uint8Array.from(number(7, 1))],
  ['the format of the runtime itself', Uint8Array.from([0, 0, 0, 0, ...Buffer.from('ORTM'), ...model(ADD)])],
  ['graphs nested without end', nested(40)],
])('refuses %s', (_, bytes) => {
  expect(() => externalDataOf(bytes)).toThrow(expect.objectContaining({ code: 'ENGINE_MODEL_INVALID' }))
})

function nested(depth: number): Uint8Array {
  let graph: number[] = field(5, externalTensor('w', 'deep'))
  for (let i = 0; i < depth; i++) graph = field(1, node('If', [], [], attribute(field(6, graph))))
  return Uint8Array.from(field(7, graph))
}

test('never throws anything but its own refusal, whatever the bytes', () => {
  const seed = PLACES['a branch of an If']!(externalTensor('w', 'data'))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 6 }), (edits) => {
      const bytes = seed.slice()
      for (const [at, value] of edits) bytes[at] = value
      try {
        externalDataOf(bytes)
      } catch (error) {
        expect(hasCode(error, 'ENGINE_MODEL_INVALID')).toBe(true)
      }
    }),
    { numRuns: process.env['SLOW'] ? 2000 : 100 },
  )
})

test('a model that names a file is not loaded, one whose data is supplied is', async () => {
  const bytes = model(ADD, field(5, externalTensor('w', 'w.bin')))
  await expect(openSession(bytes)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
  const { Tensor } = await import('onnxruntime-node')
  const data = new Uint8Array(Float32Array.of(40).buffer)
  const session = await openSession(bytes, { externalData: new Map([['w.bin', data]]) })
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(2), [1]) })
  expect([...(y!.data as Float32Array)]).toEqual([42])
  await session.close()
})
