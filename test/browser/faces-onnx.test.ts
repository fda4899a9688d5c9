import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../examples/faces/onnx/graph-builder.ts'
import { readNetwork, writeNode } from '../../examples/faces/onnx/network.ts'
import { bytesField, concat, numberField, readFields } from '../../examples/faces/onnx/protobuf.ts'
import { raiseOpset } from '../../examples/faces/onnx/raise-opset.ts'
import { FLOAT, node, port, tensor } from '../../examples/faces/onnx/values.ts'
import { findDetector } from './faces-town.ts'

const detector = findDetector()

/** A file of one graph: the float input `x` and output `y` of these sizes. */
function file(opset: number, parts: readonly Uint8Array[], x: number[], y: number[]): Uint8Array {
  const ports = [bytesField(11, port('x', FLOAT, x)), bytesField(12, port('y', FLOAT, y))]
  return concat([
    numberField(1, 4),
    bytesField(7, ...parts, bytesField(2, 'g'), ...ports),
    bytesField(8, numberField(2, opset)),
  ])
}
const nodes = (...list: Uint8Array[]): Uint8Array[] => list.map((one) => bytesField(1, one))

/** What a file makes of numbers, after it has become part of another graph of this operator set. */
async function run(bytes: Uint8Array, opset: number, x: number[], y: number[], values: Float32Array) {
  const graph = new GraphBuilder()
  const input = graph.input('in', FLOAT, x)
  const [out] = graph.network(raiseOpset(readNetwork(bytes, 'n/'), opset), input)
  graph.output('out', FLOAT, y, out!)
  const session = await InferenceSession.create(graph.file(opset), { logSeverityLevel: 3 })
  const answer = await session.run({ in: new Tensor('float32', values, x) })
  await session.release()
  return [...(answer['out']!.data as Float32Array)]
}

const someFloats = (count: number): Float32Array => {
  let state = 1
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(1_103_515_245, state) + 12_345) & 0x7fff_ffff
    return (2 * state) / 2 ** 31 - 1
  })
}

describe('a network that becomes part of a graph', () => {
  const float = (name: string, at: number, value: number): Uint8Array => {
    const four = new Uint8Array(Float32Array.of(value).buffer)
    return concat([bytesField(1, name), concat([Uint8Array.of(at * 8 + 5), four]), numberField(20, 1)])
  }
  const clip = concat([
    node('Clip', ['x'], ['y']),
    bytesField(5, float('min', 2, -0.25)),
    bytesField(5, float('max', 2, 0.5)),
  ])
  const cases: [string, Uint8Array[], number[]][] = [
    ['Clip', nodes(clip), [2, 3, 4]],
    ['Dropout', nodes(node('Dropout', ['x'], ['y'])), [2, 3, 4]],
    ['Softmax over all from axis 1', nodes(node('Softmax', ['x'], ['y'], { axis: 1 })), [2, 3, 4]],
    ['Softmax by default', nodes(node('Softmax', ['x'], ['y'])), [2, 3, 4]],
    [
      'Slice, Squeeze, Unsqueeze, ReduceSum',
      nodes(
        node('Slice', ['x'], ['a'], { axes: [1], starts: [1], ends: [2] }),
        node('Squeeze', ['a'], ['b'], { axes: [1] }),
        node('Unsqueeze', ['b'], ['c'], { axes: [0] }),
        node('ReduceSum', ['c'], ['y'], { axes: [2], keepdims: 0 }),
      ),
      [1, 2],
    ],
  ]
  it.each(cases)('%s means the same in every operator set', async (_name, parts, y) => {
    const x = [2, 3, 4]
    const bytes = file(9, parts, x, y)
    const before = await run(bytes, 9, x, y, someFloats(24))
    for (const opset of [11, 13, 17]) expect(await run(bytes, opset, x, y, someFloats(24))).toEqual(before)
    expect(new Set(before).size).toBeGreaterThan(1)
  })

  it.skipIf(!detector)('the detector answers the same, to the bit, in operator set 13', async () => {
    const bytes = readFileSync(detector!)
    const answers = await Promise.all(
      [9, 13].map((opset) => run(bytes, opset, [1, 3, 240, 320], [1, 4420, 2], someFloats(230_400))),
    )
    expect(answers[1]).toEqual(answers[0])
    expect(answers[0]).toHaveLength(8840)
  })

  const one = nodes(node('Relu', ['x'], ['y']))
  const inner = bytesField(5, bytesField(1, 'body'), bytesField(6, bytesField(2, 'g')), numberField(20, 5))
  const refusals: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /no ONNX file/],
    ['text', Buffer.from('not an ONNX file, but words of a person'), /no ONNX file/],
    [
      'a graph inside a node',
      file(9, nodes(concat([node('Loop', ['x'], ['y']), inner])), [1], [1]),
      /graph inside/,
    ],
    ['functions', concat([file(9, one, [1], [1]), bytesField(25, bytesField(1, 'f'))]), /functions/],
    [
      'an operator of another domain',
      file(9, nodes(concat([node('Gelu', ['x'], ['y']), bytesField(7, 'com.microsoft')])), [1], [1]),
      /com.microsoft/,
    ],
    [
      'weights in another file',
      file(9, [...one, bytesField(5, tensor('w', [1], Float32Array.of(1)), numberField(14, 1))], [1], [1]),
      /another file/,
    ],
    ['sparse weights', file(9, [...one, bytesField(15, new Uint8Array(0))], [1], [1]), /sparse/],
  ]
  it.each(refusals)('%s is refused', (_name, bytes, message) => {
    expect(() => readNetwork(bytes, 'n/')).toThrow(message)
  })

  it('an operator that changed in ways this program does not know is named', () => {
    const bytes = file(9, nodes(node('Upsample', ['x', 's'], ['y'])), [1], [1])
    expect(() => raiseOpset(readNetwork(bytes, 'n/'), 11)).toThrow(/operator Upsample/)
    expect(readNetwork(bytes, 'n/').nodes[0]).toMatchObject({ inputs: ['n/x', 'n/s'], outputs: ['n/y'] })
    expect(() => raiseOpset(readNetwork(bytes, 'n/'), 18)).toThrow(/between 9 and 17/)
    expect(() => raiseOpset(readNetwork(bytes, 'n/'), 8)).toThrow(/between 9 and 17/)
    const newer = readNetwork(file(18, one, [1], [1]), 'n/')
    expect(() => raiseOpset(newer, 18)).toThrow(/operator set 18/)
  })

  it('a file that was cut or changed anywhere is read or refused, and nothing else', () => {
    const whole = file(9, nodes(node('Softmax', ['x'], ['y'], { axis: 1 })), [2, 3], [2, 3])
    for (let length = 0; length < whole.length; length++)
      try {
        readNetwork(whole.subarray(0, length), 'n/')
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        expect((error as Error).name).not.toBe('RangeError')
      }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(whole)
        changed[at]! ^= change
        try {
          readNetwork(changed, 'n/').nodes.forEach(writeNode)
        } catch (error) {
          expect((error as Error).name).not.toBe('RangeError')
        }
      }),
    )
  })

  it('what is written is read back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 20 }), fc.uint8Array({ maxLength: 300 }))),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (fields, value) => {
          const bytes = concat([...fields.map(([at, body]) => bytesField(at, body)), numberField(7, value)])
          const read = [...readFields(bytes)]
          expect(read.slice(0, -1).map(({ number, bytes: body }) => [number, body])).toEqual(fields)
          expect(BigInt.asIntN(64, read.at(-1)!.value)).toBe(value)
        },
      ),
    )
  })
})
