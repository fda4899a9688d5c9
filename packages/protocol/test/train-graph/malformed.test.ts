import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { AttributeValue, OnnxModel, OnnxNode } from '@sotto/protocol/onnx'
import { parseOnnx } from '@sotto/protocol/onnx'
import { buildTrainGraph, type LossKind } from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'

const folder = join(import.meta.dirname, 'fixtures')
const names = globSync('*.onnx', { cwd: folder }).map((name) => basename(name, '.onnx'))

/** Numbers that repeat for a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

const STRANGE = [0n, 1n, -1n, 2n, 3n, 7n, -9n, 2n ** 31n, 2n ** 62n, -(2n ** 63n)]
const OPS =
  'Add MatMul Gemm Softmax Reshape Gather Concat Split Slice Conv MaxPool Expand Where Pad Transpose Pow ReduceMean'

/** A graph with one thing changed in it, as whoever writes graphs by hand may: names stay those of values before. */
function change(model: OnnxModel, next: (below: number) => number): OnnxModel {
  const at = next(model.nodes.length)
  const node = model.nodes[at]!
  const attributes = [...node.attributes]
  const choices: (() => Partial<OnnxNode>)[] = [
    () => ({ op: OPS.split(' ')[next(17)]! }),
    () => ({ inputs: node.inputs.slice(0, next(node.inputs.length + 1)) }),
    () => ({ inputs: node.inputs.with(next(node.inputs.length), '') }),
    () => ({ inputs: node.inputs.toReversed() }),
    () => ({ inputs: node.inputs.with(next(node.inputs.length), model.nodes[next(at)]?.outputs[0] ?? '') }),
    () => ({
      inputs: node.inputs.with(
        next(node.inputs.length),
        model.initializers[next(model.initializers.length)]!.name,
      ),
    }),
    () => ({ attributes: new Map(attributes.slice(1)) }),
    () => ({ attributes: new Map(attributes.map(([name]) => [name, { int: STRANGE[next(10)]! }])) }),
    () => ({ attributes: new Map(attributes.map(([name, value]) => [name, stranger(value, next)])) }),
  ]
  if (next(8) === 0) {
    const which = next(model.initializers.length)
    const tensor = model.initializers[which]!
    const cut = { ...tensor, dims: [tensor.dims.reduce((a, b) => a * b, 1)] }
    return { ...model, initializers: model.initializers.with(which, cut) }
  }
  if (node.inputs.length === 0) return model
  return { ...model, nodes: model.nodes.with(at, { ...node, ...choices[next(choices.length)]!() }) }
}

function stranger(value: AttributeValue, next: (below: number) => number): AttributeValue {
  if ('ints' in value) return { ints: value.ints.map((one) => (next(2) ? STRANGE[next(10)]! : one)) }
  return next(2) ? { string: 'SAME_UPPER' } : { float: -1 }
}

test.each(names)(
  '%s: a graph with anything changed is built or refused, in short time',
  { timeout: 600_000 },
  (name) => {
    const model = parseOnnx(new Uint8Array(readFileSync(join(folder, `${name}.onnx`))))
    const fixture = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as {
      loss: LossKind
      output: string
    }
    const next = numbers(5)
    let refusals = 0
    for (let i = 0; i < (process.env['SLOW'] ? 3000 : 16); i++) {
      const forward = change(model, next)
      for (const more of [{}, { clip: 1 }])
        try {
          const loss = { kind: fixture.loss, output: fixture.output }
          buildTrainGraph({ forward, trainable: 'all', loss, microBatch: 2, ...more })
        } catch (error) {
          refusals++
          expect(error, (error as Error).stack).toMatchObject({
            code: expect.stringMatching(/^(GRAPH|ONNX)_/) as string,
          })
        }
    }
    expect(refusals).toBeGreaterThan(2)
  },
)
