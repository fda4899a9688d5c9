import {
  type AttributeValue,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxPort,
  tensorOf,
} from '@sotto/protocol/onnx'
import { requireFeatures } from '../data/features.ts'
import type { Feature } from '../data/types.ts'
import { roomTrainError } from '../errors.ts'

/** Name of the dimension of rows. */
const ROWS = 'rows'
/** No column has a dot in its name: what is not an input cannot be taken for one. */
const INNER = 'model.'

/**
 * A model that reads columns as they stand in a table, in place of the places of a row: an input [rows, 1] of each feature
 * by the name of its column, numbers in doubles, categories as text. It scales as training did, operation by operation in
 * doubles, so that the places are the same to the bit; NaN is a number that a row does not have.
 * @param model reads places [rows, width] in float, as its only input
 * @param output which of its outputs is wanted: it becomes `model.scores`
 * @throws `ROOM_TRAIN_GRAPH` for a model of another input, without the output, or with graphs in its nodes;
 *   `ROOM_TRAIN_SETTINGS`
 */
export function withRawFeatures(model: OnnxModel, features: readonly Feature[], output: string): OnnxModel {
  const width = requireFeatures(features)
  const [input] = model.inputs
  const given = input?.dims?.[1]
  if (model.inputs.length !== 1 || input?.type !== 'float32' || input.dims?.length !== 2 || given !== width)
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model does not read the places of these features')
  const scores = model.outputs.find(({ name }) => name === output)
  if (!scores) throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model has no output of this name')
  // Graphs in attributes use names of the graph around them, which change here.
  if (model.nodes.some(({ attributes }) => [...attributes.values()].some((value) => 'graph' in value)))
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model has a graph within a node')
  const parts = features.map(encoderOf)
  const inner = (name: string): string => {
    if (name === '') return ''
    if (name === input.name) return PLACES
    return name === output ? SCORES : innerName(name)
  }
  return {
    ...model,
    opsets: new Map([['ai.onnx.ml', ML_VERSION], ...model.opsets]),
    inputs: features.map(inputOf),
    outputs: [{ ...scores, name: SCORES, ...(scores.dims && { dims: [ROWS, ...scores.dims.slice(1)] }) }],
    initializers: [
      ...parts.flatMap(({ constants }) => constants),
      ...model.initializers.map((tensor) => ({ ...tensor, name: inner(tensor.name) })),
    ],
    nodes: [
      ...parts.flatMap(({ nodes }) => nodes),
      node(
        'Concat',
        parts.map(({ places }) => places),
        PLACES,
        { axis: { int: 1n } },
      ),
      ...model.nodes.map((one) => ({
        ...one,
        inputs: one.inputs.map(inner),
        outputs: one.outputs.map(inner),
      })),
    ],
  }
}

/** Name of the output of {@link withRawFeatures}. */
export const SCORES = `${INNER}scores`
/** Name of an initializer of the model that is inside. */
export function innerName(name: string): string {
  return `${INNER}n.${name}`
}

const PLACES = `${INNER}features`
/** LabelEncoder from text to whole numbers came with it. */
const ML_VERSION = 2

function inputOf({ column, kind }: Feature): OnnxPort {
  return { name: column, type: kind === 'number' ? 'float64' : 'string', dims: [ROWS, 1] }
}

interface Encoder {
  readonly nodes: OnnxNode[]
  readonly constants: OnnxTensor[]
  /** [rows, places of the feature] in float. */
  readonly places: string
}

function encoderOf(feature: Feature, at: number): Encoder {
  const value = (step: number): string => `${INNER}f.${at}.${step}`
  return feature.kind === 'number' ? scaling(feature, value) : placing(feature, value)
}

/** The operations of `data/features.ts`, in its order: another order rounds otherwise. */
function scaling(
  { column, min, max, decimals }: Feature & { kind: 'number' },
  value: (step: number) => string,
): Encoder {
  const constants: OnnxTensor[] = []
  const number = (one: number): string => {
    const name = `${value(constants.length)}.c`
    constants.push(tensorOf(name, 'float64', [], [one]))
    return name
  }
  const nodes: OnnxNode[] = []
  const add = (op: string, inputs: readonly string[], attributes = {}): string => {
    const output = value(nodes.length)
    nodes.push(node(op, inputs, output, attributes))
    return output
  }
  const units = add('Mul', [column, number(10 ** decimals)])
  const twice = add('Mul', [number(2), add('Sub', [units, number(min)])])
  const ratio = add('Sub', [add('Div', [twice, number(max - min)]), number(1)])
  const within = add('Clip', [ratio, number(-1), number(1)])
  const known = add('Where', [add('IsNaN', [column]), number(0), within])
  return { nodes, constants, places: add('Cast', [known], { to: { int: 1n } }) }
}

function placing(
  { column, values }: Feature & { kind: 'category' },
  value: (step: number) => string,
): Encoder {
  const places = `${value(0)}.c`
  return {
    constants: [tensorOf(places, 'int64', [1, values.length + 1], [...values.keys(), values.length])],
    nodes: [
      {
        ...node('LabelEncoder', [column], value(0), {
          keys_strings: { strings: values },
          values_int64s: { ints: [...values.keys()].map(BigInt) },
          default_int64: { int: BigInt(values.length) },
        }),
        domain: 'ai.onnx.ml',
      },
      node('Equal', [value(0), places], value(1)),
      node('Cast', [value(1)], value(2), { to: { int: 1n } }),
    ],
    places: value(2),
  }
}

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): OnnxNode {
  return {
    op,
    domain: '',
    name: output,
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
    metadata: new Map(),
  }
}
