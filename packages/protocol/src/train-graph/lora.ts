import { type OnnxModel, type OnnxNode, type OnnxTensor, scopeOf, tensorOf } from '../onnx/index.ts'
import { intOf } from './attributes.ts'
import { graphError } from './errors.ts'
import { even } from './forward/even.ts'
import { whereOf } from './import-graph.ts'

/** Low-rank adapters beside frozen matrices (Hu et al. 2021). */
export interface LoraSpec {
  /** From 1 to 1024. */
  readonly rank: number
  /** Alpha in thousandths, above 0: a branch is scaled by alpha / rank. */
  readonly alphaMilli: number
  /** Last names of modules, as `q_proj`, or names of nodes. Each must be there. */
  readonly targets: readonly string[]
  /** First weights of the branches come from it; it is public. */
  readonly seed: number
}

/** Where one branch is. */
export interface LoraBranch {
  /** The module beside which it is, or the node where nobody names one. */
  readonly module: string
  /** Names of its two matrices: [inputs, rank] and [rank, outputs]. */
  readonly a: string
  readonly b: string
}

/** A graph with branches in it. */
export interface WithLora {
  readonly forward: OnnxModel
  /** What is to be trained: the matrices of all branches. */
  readonly trainable: readonly string[]
  readonly branches: readonly LoraBranch[]
}

const MAX_RANK = 1024

/**
 * Puts x·A·B·(alpha / rank) beside each x·W that a target names. A is even between ±1/√inputs, B is zeros: to begin
 * with, the graph answers what it answered before.
 *
 * @throws `GRAPH_TARGET` for a rank outside of its bounds, a target that is not there, or one that is no frozen float32
 *   matrix on the right of a product
 */
export function addLora(forward: OnnxModel, spec: LoraSpec): WithLora {
  const { rank, alphaMilli, targets, seed } = spec
  if (!Number.isInteger(rank) || rank < 1 || rank > MAX_RANK || !(alphaMilli > 0))
    throw graphError(
      'GRAPH_TARGET',
      `a rank is from 1 to ${MAX_RANK}, alpha is above 0`,
      `${rank}, ${alphaMilli}`,
    )
  const next = even(seed)
  const known = new Map(forward.initializers.map((tensor) => [tensor.name, tensor]))
  const makers = new Map(forward.nodes.map((node) => [node.outputs[0] ?? '', node]))
  const missing = new Set(targets)
  const branches: LoraBranch[] = []
  const added: OnnxTensor[] = []
  const scale = tensorOf('lora.scale', 'float32', [], [alphaMilli / 1000 / rank])
  const nodes = forward.nodes.flatMap((node): OnnxNode[] => {
    const found = targets.filter((target) => isAt(node, target))
    if (found.length === 0 || (node.op !== 'MatMul' && node.op !== 'Gemm')) return [node]
    const size = sizeOf(node, known, makers)
    if (size === undefined) return [node]
    for (const target of found) missing.delete(target)
    const [inputs, outputs] = size
    const name = `lora.${branches.length}`
    const bound = 1 / Math.sqrt(inputs)
    const values = Float32Array.from({ length: inputs * rank }, () => (2 * next() - 1) * bound)
    added.push(tensorOf(`${name}.a`, 'float32', [inputs, rank], values))
    added.push(tensorOf(`${name}.b`, 'float32', [rank, outputs], new Float32Array(rank * outputs)))
    branches.push({ module: scopeOf(node) ?? node.name, a: `${name}.a`, b: `${name}.b` })
    return branch(node, name)
  })
  const [first] = missing
  if (first !== undefined)
    throw graphError('GRAPH_TARGET', 'no frozen matrix of a product has this name', first)
  return {
    forward: { ...forward, nodes, initializers: [...forward.initializers, ...added, scale] },
    trainable: branches.flatMap(({ a, b }) => [a, b]),
    branches,
  }
}

/** The node with its output under another name, and what is added to it. */
function branch(node: OnnxNode, name: string): OnnxNode[] {
  // Values and nodes may have one name, two nodes may not: runtimes refuse that.
  const plain = (op: string, inputs: string[], output: string, own: string = output): OnnxNode => ({
    ...node,
    op,
    name: own,
    inputs,
    outputs: [output],
    attributes: new Map(),
  })
  return [
    { ...node, outputs: [`${name}.base`] },
    plain('MatMul', [node.inputs[0]!, `${name}.a`], `${name}.low`),
    plain('MatMul', [`${name}.low`, `${name}.b`], `${name}.up`),
    plain('Mul', [`${name}.up`, 'lora.scale'], `${name}.scaled`),
    plain('Add', [`${name}.base`, `${name}.scaled`], node.outputs[0]!, `${name}.sum`),
  ]
}

function isAt(node: OnnxNode, target: string): boolean {
  const scope = scopeOf(node)
  return node.name === target || scope === target || (scope?.endsWith(`.${target}`) ?? false)
}

/** Inputs and outputs of the matrix on the right of a product; undefined where that is no frozen float32 matrix. */
function sizeOf(
  node: OnnxNode,
  tensors: ReadonlyMap<string, OnnxTensor>,
  makers: ReadonlyMap<string, OnnxNode>,
): readonly [inputs: number, outputs: number] | undefined {
  const right = node.inputs[1] ?? ''
  const turn = makers.get(right)?.op === 'Transpose' ? makers.get(right) : undefined
  const tensor = tensors.get(turn?.inputs[0] ?? right)
  if (tensor?.type !== 'float32' || tensor.dims.length !== 2) return undefined
  const at = { attributes: node.attributes, where: whereOf(node) }
  if (node.op === 'Gemm' && intOf(at, 'transA', 0) !== 0) return undefined
  const isTurned = (turn !== undefined) !== (node.op === 'Gemm' && intOf(at, 'transB', 0) !== 0)
  const [rows, columns] = tensor.dims as readonly [number, number]
  return isTurned ? [columns, rows] : [rows, columns]
}
