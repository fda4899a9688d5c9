/**
 * Adapters of ONNX graphs: the matrices of branches, in safetensors, by the names of the modules beside which they stand. The
 * graph and its weights stay as they are.
 */
import type { LoraMatrices } from '../gguf/index.ts'
import { type OnnxModel, tensorOf } from '../onnx/index.ts'
import { encodeSafetensors, floatsOf, parseSafetensors, type Safetensor } from '../training/index.ts'
import { graphError } from './errors.ts'
import { addLora } from './lora.ts'

/** Branches of one graph, all of one rank. */
export interface GraphAdapter {
  /** Alpha in thousandths, above 0: branches are scaled by alpha / rank. */
  readonly alphaMilli: number
  readonly branches: readonly LoraMatrices[]
}

const FORMAT = 'sotto-graph-adapter/1'
const [DOWN, UP] = ['.lora_A.weight', '.lora_B.weight']

/**
 * Bytes of an adapter; equal adapters give equal bytes.
 *
 * @throws `TRAINING_SAFETENSORS` for a module twice, for a name that is too long, and matrices that are not of their sizes
 */
export function encodeGraphAdapter({ alphaMilli, branches }: GraphAdapter): Uint8Array {
  const tensor = (name: string, shape: readonly number[], values: Float32Array): Safetensor => ({
    name,
    type: 'F32',
    shape,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  })
  return encodeSafetensors({
    metadata: new Map([
      ['format', FORMAT],
      ['alpha_milli', String(alphaMilli)],
    ]),
    tensors: branches.flatMap(({ module, rank, inputs, outputs, down, up }) => [
      tensor(`${module}${DOWN}`, [rank, inputs], down),
      tensor(`${module}${UP}`, [outputs, rank], up),
    ]),
  })
}

/**
 * Reads an adapter that anybody may have written. Whether it fits a graph, {@link withAdapter} says.
 *
 * @throws `TRAINING_SAFETENSORS`; `GRAPH_TARGET` where it holds anything but pairs of matrices of one rank
 */
export function parseGraphAdapter(bytes: Uint8Array): GraphAdapter {
  const { tensors, metadata } = parseSafetensors(bytes)
  const alpha = metadata.get('alpha_milli') ?? ''
  if (metadata.get('format') !== FORMAT || !/^[1-9]\d{0,14}$/.test(alpha))
    throw graphError('GRAPH_TARGET', 'file is no adapter of a graph')
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const branches = tensors
    .filter(({ name }) => name.endsWith(DOWN))
    .map((down): LoraMatrices => {
      const module = down.name.slice(0, -DOWN.length)
      const up = byName.get(`${module}${UP}`)
      const [rank = 0, inputs = 0] = down.shape
      const [outputs = 0, other] = up?.shape ?? []
      if (up === undefined || down.shape.length !== 2 || up.shape.length !== 2 || rank !== other)
        throw graphError('GRAPH_TARGET', 'a matrix is not one of a pair of one rank', module)
      return { module, rank, inputs, outputs, down: floatsOf(down), up: floatsOf(up) }
    })
  if (branches.length === 0 || tensors.length !== 2 * branches.length)
    throw graphError('GRAPH_TARGET', 'matrices of an adapter do not stand in pairs')
  if (branches.some(({ rank }) => rank !== branches[0]!.rank))
    throw graphError('GRAPH_TARGET', 'branches of an adapter are of several ranks')
  return { alphaMilli: Number(alpha), branches }
}

/**
 * A graph with the branches of an adapter in it. Nothing else of it changes.
 *
 * @throws `GRAPH_TARGET` where a branch has no place in it, or several, or a matrix of another size beside it
 */
export function withAdapter(forward: OnnxModel, { alphaMilli, branches }: GraphAdapter): OnnxModel {
  const targets = branches.map(({ module }) => module)
  const lora = addLora(forward, { rank: branches[0]!.rank, alphaMilli, targets, seed: 0 })
  if (lora.branches.length !== branches.length)
    throw graphError('GRAPH_TARGET', 'a branch of the adapter has more than one place in the graph')
  const byModule = new Map(branches.map((branch) => [branch.module, branch]))
  const values = new Map(
    lora.branches.flatMap(({ module, a, b }) => {
      const branch = byModule.get(module)
      if (branch === undefined)
        throw graphError('GRAPH_TARGET', 'a branch of the adapter is not named in full', module)
      const { inputs, outputs, rank, down, up } = branch
      return [
        [a, { dims: [inputs, rank], values: turned(down, rank, inputs) }],
        [b, { dims: [rank, outputs], values: turned(up, outputs, rank) }],
      ] as const
    }),
  )
  return {
    ...lora.forward,
    initializers: lora.forward.initializers.map((tensor) => {
      const found = values.get(tensor.name)
      if (found === undefined) return tensor
      if (String(found.dims) !== String(tensor.dims))
        throw graphError(
          'GRAPH_TARGET',
          'a matrix of the adapter does not fit the one beside it',
          tensor.name,
        )
      return tensorOf(tensor.name, 'float32', found.dims, found.values)
    }),
  }
}

/**
 * Trained numbers of a branch as matrices of an adapter: the graph has inputs first, adapters outputs.
 *
 * @param a [inputs, rank]
 * @param b [rank, outputs]
 */
export function matricesOf(
  module: string,
  rank: number,
  { a, b }: { readonly a: Float32Array; readonly b: Float32Array },
): LoraMatrices {
  const [inputs, outputs] = [a.length / rank, b.length / rank]
  return { module, rank, inputs, outputs, down: turned(a, inputs, rank), up: turned(b, rank, outputs) }
}

/** A row-major matrix with rows and columns exchanged. */
function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column]!
  return out
}
