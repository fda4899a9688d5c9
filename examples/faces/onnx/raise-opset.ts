import { attributeName, type Network, type NetworkNode } from './network.ts'
import { type Field, readFields } from './protobuf.ts'
import { attribute, tensor } from './values.ts'

/** Operator sets between which this program can move a network. */
export const FIRST_OPSET = 9
export const LAST_OPSET = 17

/** Operators that are written the same way, and mean the same, in all of them (as inference uses them). */
const SAME =
  'Abs Add And ArgMax AveragePool BatchNormalization Cast Concat Constant Conv Div Equal Exp Expand Flatten Floor Gather Gemm GlobalAveragePool Greater HardSigmoid Identity InstanceNormalization LeakyRelu Less Log MatMul Max MaxPool Min Mul Neg Not PRelu Pow ReduceL2 ReduceMax ReduceMean Relu Reshape Shape Sigmoid Sqrt Sub Sum Tanh Transpose Where'
const UNCHANGED: ReadonlySet<string> = new Set(SAME.split(' '))

/** First operator set in which an operator is written as it is in {@link LAST_OPSET}. */
const NEW_FORM: Readonly<Record<string, number>> = {
  Slice: 10,
  Clip: 11,
  Dropout: 12,
  Softmax: 13,
  Squeeze: 13,
  Unsqueeze: 13,
  ReduceSum: 13,
}

/**
 * The same network in a newer operator set: two networks share a file only when both speak the same one, and the rest of
 * the graph is written in operators of these sets only.
 * @throws Error that names an operator this program does not know how to move
 */
export function raiseOpset(network: Network, opset: number): Network {
  if (network.opset > opset || network.opset < FIRST_OPSET || opset > LAST_OPSET)
    throw new Error(
      `it is of operator set ${network.opset}; this program moves networks between ${FIRST_OPSET} and ${LAST_OPSET} ` +
        '(onnx.version_converter of the Python package onnx moves more)',
    )
  if (network.opset === opset) return network
  const initializers = [...network.initializers]
  const move = new Move(initializers)
  return {
    ...network,
    opset,
    initializers,
    nodes: network.nodes.flatMap((one) => moved(one, network.opset, opset, move)),
  }
}

function moved(node: NetworkNode, from: number, to: number, move: Move): NetworkNode[] {
  const { operator } = node
  if (UNCHANGED.has(operator)) return [node]
  const since = NEW_FORM[operator]
  if (since === undefined)
    throw new Error(`it has the operator ${operator}, which this program cannot move to operator set ${to}`)
  if (from >= since || to < since) return [node]
  switch (operator) {
    case 'Slice':
      return [move.attributesToInputs(node, ['starts', 'ends', 'axes'])]
    case 'Squeeze':
    case 'Unsqueeze':
    case 'ReduceSum':
      return [move.attributesToInputs(node, ['axes'])]
    case 'Clip':
      return [move.boundsToInputs(node)]
    case 'Dropout':
      // Nothing is dropped when a network is used.
      return [{ operator: 'Identity', inputs: [node.inputs[0]!], outputs: [node.outputs[0]!], rest: [] }]
    default:
      return move.flatSoftmax(node)
  }
}

class Move {
  readonly #initializers: Uint8Array[]
  constructor(initializers: Uint8Array[]) {
    this.#initializers = initializers
  }

  /** Lists that were attributes become inputs, in this order. */
  attributesToInputs(node: NetworkNode, names: readonly string[]): NetworkNode {
    const inputs = [...node.inputs]
    for (const name of names) {
      const found = node.rest.find((field) => attributeName(field) === name)
      // Without axes Slice takes the first ones, and the others all of them: so do their new forms.
      if (found === undefined) break
      const values = BigInt64Array.from(integersOf(found))
      inputs.push(this.#constant(`${node.outputs[0]}/${name}`, [values.length], values))
    }
    return { ...node, inputs, rest: node.rest.filter((field) => !names.includes(attributeName(field))) }
  }

  /** Clip's bounds become inputs. */
  boundsToInputs(node: NetworkNode): NetworkNode {
    const inputs = [node.inputs[0]!]
    for (const name of ['min', 'max']) {
      const found = node.rest.find((field) => attributeName(field) === name)
      inputs.push(
        found === undefined
          ? ''
          : this.#constant(`${node.outputs[0]}/${name}`, [], Float32Array.of(floatOf(found))),
      )
    }
    return { ...node, inputs, rest: [] }
  }

  /** Until 13 Softmax took all dimensions from `axis` on as one: said in operators of 13. */
  flatSoftmax(node: NetworkNode): NetworkNode[] {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!]
    const axis = node.rest.find((field) => attributeName(field) === 'axis')
    const attributes = (values: Record<string, number>): Field[] =>
      Object.entries(values).map(([name, value]) => ({
        number: 5,
        wireType: 2,
        bytes: attribute(name, value),
        value: 0n,
      }))
    const step = (operator: string, inputs: string[], name: string, rest: Field[] = []): NetworkNode => ({
      operator,
      inputs,
      outputs: [name],
      rest,
    })
    const at = axis === undefined ? 1 : Number(BigInt.asIntN(64, integersOf(axis)[0]!))
    return [
      step('Shape', [input], `${output}/shape`),
      step('Flatten', [input], `${output}/flat`, attributes({ axis: at })),
      step('Softmax', [`${output}/flat`], `${output}/soft`, attributes({ axis: 1 })),
      step('Reshape', [`${output}/soft`, `${output}/shape`], output),
    ]
  }

  #constant(name: string, dims: readonly number[], values: Float32Array | BigInt64Array): string {
    this.#initializers.push(tensor(name, dims, values))
    return name
  }
}

/** Integers of an AttributeProto: one (`i`), or a list, packed or not (`ints`). */
function integersOf({ bytes }: Field): bigint[] {
  const found: bigint[] = []
  for (const field of readFields(bytes)) {
    if (field.number === 3) found.push(field.value)
    if (field.number !== 8) continue
    if (field.wireType === 0) found.push(field.value)
    else found.push(...unpack(field.bytes))
  }
  return found.map((value) => BigInt.asIntN(64, value))
}

function unpack(bytes: Uint8Array): bigint[] {
  const values: bigint[] = []
  let [value, shift] = [0n, 0n]
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift
    shift += 7n
    if (byte >= 0x80) continue
    values.push(value)
    ;[value, shift] = [0n, 0n]
  }
  return values
}

/** The float of an AttributeProto (`f`). */
function floatOf({ bytes }: Field): number {
  const found = [...readFields(bytes)].find(({ number }) => number === 2)?.bytes
  if (found?.length !== 4) throw new Error('a bound of its Clip is no number')
  return new DataView(found.buffer, found.byteOffset, 4).getFloat32(0, true)
}
