import { concat, utf8 } from '@sotto/protocol/bytes'
import { encodeOnnx, type OnnxModel, parseOnnx, tensorOf } from '@sotto/protocol/onnx'
import { expect, test } from 'vitest'
import { everyPart, node } from './models.ts'

/** A field of bytes. */
function field(number: number, ...parts: Uint8Array[]): Uint8Array {
  const content = concat(...parts)
  const length = content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7]
  return concat(Uint8Array.from([...tag(number, 2), ...length]), content)
}

function tag(number: number, wire: number): number[] {
  const value = number * 8 + wire
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7]
}

/** A field of an integer below 128. */
const int = (number: number, value: number): Uint8Array => Uint8Array.from([...tag(number, 0), value])
const OPSET = field(8, int(2, 18))
const modelOf = (...graph: Uint8Array[]): Uint8Array => concat(int(1, 8), field(7, ...graph), OPSET)
const tensor = (...parts: Uint8Array[]): Uint8Array => modelOf(field(5, field(8, utf8('w')), ...parts))
const identity = (from: string, to: string): Uint8Array =>
  field(1, field(1, utf8(from)), field(2, utf8(to)), field(4, utf8('Identity')))
const port = (number: number, name: string): Uint8Array =>
  field(number, field(1, utf8(name)), field(2, field(1, int(1, 1))))
const nested = (depth: number): Uint8Array =>
  depth === 0
    ? concat()
    : field(1, field(4, utf8('If')), field(5, field(1, utf8('b')), field(6, nested(depth - 1)), int(20, 5)))

const CASES: [what: string, bytes: Uint8Array, code: string][] = [
  ['nothing', concat(), 'ONNX_MALFORMED'],
  ['a truncated length', Uint8Array.of(0x3a, 5, 0), 'ONNX_MALFORMED'],
  ['a group', Uint8Array.of(0x0b), 'ONNX_MALFORMED'],
  ['field number 0', Uint8Array.of(0, 1), 'ONNX_MALFORMED'],
  ['an integer longer than it must be', concat(Uint8Array.of(8, 0x88, 0), field(7), OPSET), 'ONNX_MALFORMED'],
  ['an integer of more than 64 bits', Uint8Array.of(8, ...Array(9).fill(255), 2), 'ONNX_MALFORMED'],
  ['an integer without an end', Uint8Array.of(8, ...Array(12).fill(255)), 'ONNX_MALFORMED'],
  ['a field of another wire type', concat(Uint8Array.of(0x0a, 0), field(7), OPSET), 'ONNX_MALFORMED'],
  ['no operator set', concat(int(1, 8), field(7)), 'ONNX_MALFORMED'],
  ['two versions of one operator set', concat(modelOf(), field(8, int(2, 17))), 'ONNX_MALFORMED'],
  ['two graphs', concat(modelOf(), field(7)), 'ONNX_MALFORMED'],
  ['training information', concat(modelOf(), field(20)), 'ONNX_UNSUPPORTED'],
  ['functions', concat(modelOf(), field(25)), 'ONNX_UNSUPPORTED'],
  ['a field that nobody knows', concat(modelOf(), field(99)), 'ONNX_UNSUPPORTED'],
  ['sparse initializers', modelOf(field(15)), 'ONNX_UNSUPPORTED'],
  ['a name that is no UTF-8', modelOf(field(2, Uint8Array.of(0xff))), 'ONNX_MALFORMED'],
  ['a node without an operator', modelOf(field(1)), 'ONNX_MALFORMED'],
  ['a value used before it is written', modelOf(identity('x', 'y'), port(11, 'z')), 'ONNX_MALFORMED'],
  ['a value written twice', modelOf(port(11, 'x'), identity('x', 'y'), identity('x', 'y')), 'ONNX_MALFORMED'],
  ['an output that nobody writes', modelOf(port(12, 'y')), 'ONNX_MALFORMED'],
  ['an input without a type', modelOf(field(11, field(1, utf8('x')))), 'ONNX_MALFORMED'],
  ['an input that is a sequence', modelOf(field(11, field(2, field(4)))), 'ONNX_UNSUPPORTED'],
  ['graphs nested 9 deep', modelOf(nested(9)), 'ONNX_UNSUPPORTED'],
  ['an element type of half a byte', tensor(int(2, 22)), 'ONNX_UNSUPPORTED'],
  ['a negative dimension', tensor(Uint8Array.of(8, ...Array(9).fill(255), 1), int(2, 1)), 'ONNX_MALFORMED'],
  ['17 dimensions', tensor(field(1, new Uint8Array(17).fill(1)), int(2, 1)), 'ONNX_UNSUPPORTED'],
  [
    'more elements than exact numbers',
    tensor(
      field(
        1,
        Uint8Array.from({ length: 24 }, (_, i) => (i % 3 === 2 ? 4 : 128)),
      ),
      int(2, 1),
    ),
    'ONNX_UNSUPPORTED',
  ],
  [
    'fewer elements than its dimensions',
    tensor(int(1, 2), int(2, 1), field(9, new Uint8Array(4))),
    'ONNX_MALFORMED',
  ],
  [
    'elements twice',
    tensor(int(2, 1), field(4, new Uint8Array(4)), field(9, new Uint8Array(4))),
    'ONNX_MALFORMED',
  ],
  ['elements of another type', tensor(int(1, 1), int(2, 1), field(7, Uint8Array.of(1))), 'ONNX_MALFORMED'],
  ['an int8 of 200', tensor(int(1, 1), int(2, 3), field(5, Uint8Array.of(200, 1))), 'ONNX_MALFORMED'],
  ['a boolean of 2', tensor(int(1, 1), int(2, 9), field(9, Uint8Array.of(2))), 'ONNX_MALFORMED'],
  ['text as raw bytes', tensor(int(2, 8), field(9, utf8('x'))), 'ONNX_MALFORMED'],
  [
    'a file that was not supplied',
    tensor(
      int(1, 1),
      int(2, 1),
      field(13, field(1, utf8('location')), field(2, utf8('/etc/passwd'))),
      int(14, 1),
    ),
    'ONNX_EXTERNAL',
  ],
  [
    'an attribute twice',
    modelOf(
      field(
        1,
        field(4, utf8('A')),
        ...[1, 2].map((i) => field(5, field(1, utf8('a')), int(3, i), int(20, 2))),
      ),
    ),
    'ONNX_MALFORMED',
  ],
  [
    'an attribute of two types',
    modelOf(field(1, field(4, utf8('A')), field(5, field(1, utf8('a')), int(3, 1), field(4), int(20, 2)))),
    'ONNX_MALFORMED',
  ],
  [
    'an attribute without a type',
    modelOf(field(1, field(4, utf8('A')), field(5, field(1, utf8('a')), int(3, 1)))),
    'ONNX_UNSUPPORTED',
  ],
]

test.each(CASES)('refuses %s', (_, bytes, code) => {
  expect(() => parseOnnx(bytes)).toThrow(expect.objectContaining({ code }))
})

test('refuses a place outside of a file', () => {
  const outside = (offset: string): Uint8Array =>
    tensor(
      int(1, 1),
      int(2, 1),
      field(13, field(1, utf8('location')), field(2, utf8('f'))),
      field(13, field(1, utf8('offset')), field(2, utf8(offset))),
      field(13, field(1, utf8('length')), field(2, utf8('4'))),
      int(14, 1),
    )
  const files = new Map([['f', new Uint8Array(8)]])
  expect(parseOnnx(outside('4'), files).initializers).toHaveLength(1)
  for (const offset of ['5', '-4', '1e9', '999999999999999'])
    expect(() => parseOnnx(outside(offset), files)).toThrow(
      expect.objectContaining({ code: 'ONNX_EXTERNAL' }),
    )
})

/** The last field of {@link everyPart}. */
const encodeOpset = (): Uint8Array => field(8, field(1, utf8('ai.onnx.ml')), int(2, 3))

test('every cut of a model is refused, and no byte that is changed ends in anything but an answer or a refusal', () => {
  const bytes = encodeOnnx(everyPart())
  const whole = bytes.length - encodeOpset().length
  for (let end = 0; end < bytes.length; end++) {
    // Without its last operator set it is another whole model.
    if (end === whole) continue
    expect(() => parseOnnx(bytes.subarray(0, end))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ONNX_/) as string }),
    )
  }
  for (let at = 0; at < bytes.length; at++)
    for (const flip of [1, 0x80, 0xff]) {
      const changed = bytes.slice()
      changed[at]! ^= flip
      let model: OnnxModel
      try {
        model = parseOnnx(changed)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ONNX_/) as string })
        continue
      }
      expect(parseOnnx(encodeOnnx(model))).toEqual(model)
    }
})

test('writes no tensor whose elements are not as many as it says', () => {
  const broken = { ...tensorOf('w', 'float32', [2], [1, 2]), dims: [3] }
  const model = { ...everyPart(), initializers: [broken], nodes: [node('Identity', ['w'], ['y'])] }
  expect(() => encodeOnnx(model)).toThrow(expect.objectContaining({ code: 'ONNX_MALFORMED' }))
})
