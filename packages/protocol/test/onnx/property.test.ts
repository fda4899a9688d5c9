import {
  type AttributeValue,
  elementSize,
  type ElementType,
  encodeOnnx,
  type OnnxModel,
  type OnnxTensor,
  parseOnnx,
} from '@sotto/protocol/onnx'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const TYPES: ElementType[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int16',
  'uint8',
  'uint64',
]
const float = fc.float({ noNaN: true })
const int = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const text = fc.string({ unit: 'grapheme', maxLength: 6 })

const tensor = (name: string): fc.Arbitrary<OnnxTensor> =>
  fc
    .record({
      type: fc.constantFrom(...TYPES),
      dims: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    })
    .chain(({ type, dims }) => {
      const length = dims.reduce((product, dim) => product * dim, elementSize(type))
      return fc
        .uint8Array({ minLength: length, maxLength: length })
        .map((data) => ({ name, type, dims, data: new Uint8Array(data) }))
    })

const attribute: fc.Arbitrary<AttributeValue> = fc.oneof(
  int.map((int) => ({ int })),
  float.map((float) => ({ float })),
  text.map((string) => ({ string })),
  fc.array(int, { maxLength: 4 }).map((ints) => ({ ints })),
  fc.array(float, { maxLength: 4 }).map((floats) => ({ floats })),
  fc.array(text, { maxLength: 4 }).map((strings) => ({ strings })),
  tensor('t').map((tensor) => ({ tensor })),
)

/** A chain of nodes, each of which uses values written before it. */
const model: fc.Arbitrary<OnnxModel> = fc
  .array(
    fc.record({
      op: text.filter((op) => op !== ''),
      domain: fc.constantFrom('', 'com.example'),
      name: text,
      uses: fc.array(fc.nat(), { maxLength: 4 }),
      attributes: fc.uniqueArray(fc.tuple(text.filter(Boolean), attribute), {
        selector: ([name]) => name,
        maxLength: 4,
      }),
      metadata: fc.uniqueArray(fc.tuple(text.filter(Boolean), text), {
        selector: ([key]) => key,
        maxLength: 2,
      }),
    }),
    { maxLength: 5 },
  )
  .chain((nodes) =>
    fc.record({ w: tensor('w'), dim: fc.oneof(fc.nat(), text) }).map(({ w, dim }) => ({
      irVersion: 9,
      opsets: new Map([['', 18]]),
      name: '',
      inputs: [{ name: 'x', type: 'float32' as const, dims: [dim] }],
      outputs: [{ name: nodes.length > 0 ? 'v0' : 'x', type: 'float32' as const }],
      initializers: [w],
      nodes: nodes.map(({ op, domain, name, uses, attributes, metadata }, i) => ({
        op,
        domain,
        name,
        inputs: uses.map(
          (use) => ['x', 'w', '', ...nodes.slice(0, i).map((_, k) => `v${k}`)][use % (3 + i)]!,
        ),
        outputs: [`v${i}`],
        attributes: new Map(attributes),
        metadata: new Map(metadata),
      })),
    })),
  )

test('what is written is read as it was, and written again as the same bytes', () => {
  fc.assert(
    fc.property(model, (model) => {
      const bytes = encodeOnnx(model)
      const read = parseOnnx(bytes)
      expect(read).toEqual(model)
      expect(encodeOnnx(read)).toEqual(bytes)
    }),
    { numRuns: process.env['SLOW'] ? 1000 : 100 },
  )
})
