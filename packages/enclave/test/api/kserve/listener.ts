import { node } from '../../engines/onnx/build-model.ts'
import { attribute, ELEMENT, floats, onnx, port, tensor } from './graphs.ts'

/** Samples a recording has here, at 16 kHz. */
export const SAMPLES = 1600
const TONES = [220, 440, 880]
const WORDS = ['low', 'middle', 'hög']

/**
 * A listener whose graph does all the work: samples in, a word out. It compares the recording with three tones, at two
 * phases each, and takes the word of the one with the most energy.
 */
export function listener(): Uint8Array {
  const waves = [Math.cos, Math.sin].map((wave, i) =>
    floats(
      `wave${i}`,
      [SAMPLES, TONES.length],
      Array.from({ length: SAMPLES * TONES.length }, (_, at) =>
        wave((2 * Math.PI * TONES[at % TONES.length]! * Math.floor(at / TONES.length)) / 16_000),
      ),
    ),
  )
  return onnx({
    inputs: [port('samples', ELEMENT.float, [undefined, SAMPLES])],
    outputs: [
      port('text', ELEMENT.string, [undefined]),
      port('index', ELEMENT.int64, [undefined]),
      port('loud', ELEMENT.bool, [undefined]),
    ],
    initializers: [...waves, tensor('words', ELEMENT.string, [3], WORDS), floats('threshold', [], [0.1])],
    nodes: [
      node('MatMul', ['samples', 'wave0'], ['a']),
      node('MatMul', ['samples', 'wave1'], ['b']),
      node('Mul', ['a', 'a'], ['aa']),
      node('Mul', ['b', 'b'], ['bb']),
      node('Add', ['aa', 'bb'], ['energy']),
      node('ArgMax', ['energy'], ['index'], attribute('axis', 1), attribute('keepdims', 0)),
      node('Gather', ['words', 'index'], ['text']),
      node('Abs', ['samples'], ['size']),
      node('ReduceMax', ['size'], ['peak'], axes(1), attribute('keepdims', 0)),
      node('Greater', ['peak', 'threshold'], ['loud']),
    ],
  })
}

/** AttributeProto `axes` with one integer in its list. */
function axes(axis: number): number[] {
  const content = [10, 4, ...Buffer.from('axes'), 64, axis, 160, 1, 7]
  return [42, content.length, ...content]
}

/** A recording of one tone. */
export function tone(hertz: number, size: number): Float32Array {
  return Float32Array.from(
    { length: SAMPLES },
    (_, i) => size * Math.sin((2 * Math.PI * hertz * i) / 16_000 + 0.7),
  )
}
