import { type AttributeValue, encodeOnnx } from '@sotto/protocol/onnx'
import type { Part } from '../data/part.ts'
import { edgeOf } from './bins.ts'
import type { Forest } from './tree.ts'

/** Input [rows, width] in float, as `fillRows` writes rows. */
export const FOREST_INPUT = 'features'
/** Output [rows, outputs] in float. */
export const FOREST_OUTPUT = 'scores'

/**
 * The forest as an ONNX model: one TreeEnsembleRegressor (ai.onnx.ml, version 3), of sums.
 * @param part whose rows it reads
 */
export function forestToOnnx(
  { outputs, base, rounds }: Forest,
  { columns, width }: Pick<Part, 'columns' | 'width'>,
): Uint8Array {
  const node = {
    trees: [] as number[],
    ids: [] as number[],
    features: [] as number[],
    modes: [] as string[],
    values: [] as number[],
    trues: [] as number[],
    falses: [] as number[],
  }
  const leaf = {
    trees: [] as number[],
    nodes: [] as number[],
    targets: [] as number[],
    weights: [] as number[],
  }
  let tree = 0
  for (const round of rounds)
    for (const [output, nodes] of round.entries()) {
      for (const [id, one] of nodes.entries()) {
        const isLeaf = 'leaf' in one
        const place = isLeaf ? undefined : columns[one.feature]!
        const isNumber = place?.kind === 'number'
        node.trees.push(tree)
        node.ids.push(id)
        node.features.push(isLeaf ? 0 : isNumber ? place.start : place!.start + one.at)
        node.modes.push(isLeaf ? 'LEAF' : isNumber ? 'BRANCH_LT' : 'BRANCH_GT')
        node.values.push(isLeaf ? 0 : isNumber ? edgeOf(one.at) : 0.5)
        node.trues.push(isLeaf ? 0 : one.left)
        node.falses.push(isLeaf ? 0 : one.right)
        if (!isLeaf) continue
        leaf.trees.push(tree)
        leaf.nodes.push(id)
        leaf.targets.push(output)
        leaf.weights.push(one.leaf)
      }
      tree++
    }
  const attributes: [string, AttributeValue][] = [
    ['n_targets', { int: BigInt(outputs) }],
    ['aggregate_function', { string: 'SUM' }],
    ['post_transform', { string: 'NONE' }],
    ['base_values', { floats: [...base] }],
    ['nodes_treeids', ints(node.trees)],
    ['nodes_nodeids', ints(node.ids)],
    ['nodes_featureids', ints(node.features)],
    ['nodes_modes', { strings: node.modes }],
    ['nodes_values', { floats: node.values }],
    ['nodes_truenodeids', ints(node.trues)],
    ['nodes_falsenodeids', ints(node.falses)],
    ['target_treeids', ints(leaf.trees)],
    ['target_nodeids', ints(leaf.nodes)],
    ['target_ids', ints(leaf.targets)],
    ['target_weights', { floats: leaf.weights }],
  ]
  return encodeOnnx({
    irVersion: 8,
    opsets: new Map([
      ['', 18],
      ['ai.onnx.ml', 3],
    ]),
    name: 'forest',
    inputs: [{ name: FOREST_INPUT, type: 'float32', dims: ['rows', width] }],
    outputs: [{ name: FOREST_OUTPUT, type: 'float32', dims: ['rows', outputs] }],
    initializers: [],
    nodes: [
      {
        op: 'TreeEnsembleRegressor',
        domain: 'ai.onnx.ml',
        name: '',
        inputs: [FOREST_INPUT],
        outputs: [FOREST_OUTPUT],
        attributes: new Map(attributes),
        metadata: new Map(),
      },
    ],
  })
}

function ints(values: readonly number[]): AttributeValue {
  return { ints: values.map(BigInt) }
}
