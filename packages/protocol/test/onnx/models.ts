import { utf8 } from '@sotto/protocol/bytes'
import { type OnnxModel, type OnnxNode, tensorOf } from '@sotto/protocol/onnx'

/** A node of ONNX itself. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OnnxNode['attributes'] = new Map(),
): OnnxNode {
  return { op, domain: '', name: '', inputs, outputs, attributes, metadata: new Map() }
}

/** A model with one of everything that the codec knows: it need not run. */
export function everyPart(): OnnxModel {
  const inner = {
    name: 'inner',
    inputs: [],
    outputs: [{ name: 'z' }],
    initializers: [],
    nodes: [node('Identity', ['y'], ['z'])],
  }
  const attributes = new Map<string, never>(
    Object.entries({
      a: { int: -7n },
      b: { float: 0.5 },
      c: { string: 'é' },
      d: { ints: [1n, -(2n ** 63n)] },
      e: { floats: [1.5, -2] },
      f: { strings: ['x', ''] },
      g: { tensor: tensorOf('', 'int32', [2], [3, -4]) },
      h: { graph: inner },
    }) as [string, never][],
  )
  const text = {
    name: 's',
    type: 'string' as const,
    dims: [2],
    data: Uint8Array.from([2, 0, 0, 0, ...utf8('hé').subarray(0, 2), 0, 0, 0, 0]),
  }
  return {
    irVersion: 8,
    opsets: new Map([
      ['', 18],
      ['ai.onnx.ml', 3],
    ]),
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', dims: ['batch', 2, ''] }],
    outputs: [{ name: 'y', type: 'float32' }],
    initializers: [tensorOf('w', 'float32', [2, 1], [1, 2]), text, tensorOf('n', 'int64', [], [-1])],
    nodes: [
      {
        ...node('Add', ['x', 'w', ''], ['y', '']),
        name: 'add',
        metadata: new Map([['pkg.torch.onnx.name_scopes', "['', 'm', 'm.layer', 'add']"]]),
      },
      { ...node('If', ['n'], ['out'], attributes), domain: 'ai.onnx.ml' },
    ],
  }
}
