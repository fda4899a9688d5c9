import { type GgufFile, ggufError, ggufFloats, type GgufTensor } from '../../gguf/index.ts'
import { type OnnxModel, type OnnxNode, type OnnxTensor, tensorOf } from '../../onnx/index.ts'
import { type AttributeRecord, attributesOf } from '../attributes.ts'

/** Name of a value. */
type Name = string

/** How exporters say which module a node comes from: see `scopeOf`. */
const NAME_SCOPES = 'pkg.torch.onnx.name_scopes'

/**
 * Writes a forward graph over the tensors of a GGUF file. Products stand on rows, one for each token of each example; a
 * product with a weight is a Gemm that has the weight as the file has it, [outputs, inputs], under the module's name.
 */
export class ForwardWriter {
  readonly #tensors: ReadonlyMap<string, GgufTensor>
  readonly #nodes: OnnxNode[] = []
  readonly #initializers = new Map<Name, OnnxTensor>()

  constructor({ tensors }: GgufFile) {
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  }

  /** Whether the file has a tensor of this name. */
  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  /** Dimensions of a tensor. @throws `GGUF_MALFORMED` where there is none of this name */
  dimsOf(name: string): readonly number[] {
    return this.#tensor(name).dims
  }

  /** A tensor of the file as a constant that can be trained. @throws `GGUF_MALFORMED` where it is not of these dimensions */
  weight(name: string, dims: readonly number[]): Name {
    const tensor = this.#tensor(name)
    if (String(tensor.dims) !== String(dims))
      throw ggufError(
        'GGUF_MALFORMED',
        `a tensor is not of [${dims.join()}]`,
        `${name} [${tensor.dims.join()}]`,
      )
    if (!this.#initializers.has(name))
      this.#initializers.set(name, tensorOf(name, 'float32', dims, ggufFloats(tensor)))
    return name
  }

  /** Adds a node with one output. @param module what it computes, where that is a module's own product */
  add(op: string, inputs: readonly Name[], attributes: AttributeRecord = {}, module?: string): Name {
    const output = module ?? `v${this.#nodes.length}`
    this.#nodes.push({
      op,
      domain: '',
      name: output,
      inputs,
      outputs: [output],
      attributes: attributesOf(attributes),
      metadata: new Map(module === undefined ? [] : [[NAME_SCOPES, `['${module}', '${module}']`]]),
    })
    return output
  }

  /** A constant that is no weight. */
  reals(dims: readonly number[], values: ArrayLike<number>): Name {
    return this.#constant(tensorOf('', 'float32', dims, values))
  }

  /** Whole numbers. */
  ints(dims: readonly number[], values: readonly number[]): Name {
    return this.#constant(tensorOf('', 'int64', dims, values))
  }

  /** The same elements in another shape: 0 keeps a dimension, -1 is what is left. */
  reshape(x: Name, dims: readonly number[]): Name {
    return this.add('Reshape', [x, this.ints([dims.length], dims)])
  }

  transpose(x: Name, perm: readonly number[]): Name {
    return this.add('Transpose', [x], { perm })
  }

  /** x·Wᵀ of rows, and the bias where the file has one. @param module name of the weight without `.weight` */
  linear(x: Name, module: string, inputs: number, outputs: number): Name {
    const weight = this.weight(`${module}.weight`, [outputs, inputs])
    const bias = this.has(`${module}.bias`) ? [this.weight(`${module}.bias`, [outputs])] : []
    return this.add('Gemm', [x, weight, ...bias], { transB: 1 }, module)
  }

  /** The finished graph. @throws `GGUF_UNSUPPORTED` for a tensor that it does not use: what does not count is not trained */
  finish(input: { name: Name; sequence: number }, output: { name: Name; width: number }): OnnxModel {
    for (const name of this.#tensors.keys())
      if (!this.#initializers.has(name))
        throw ggufError(
          'GGUF_UNSUPPORTED',
          'file has a tensor that its architecture does not have here',
          name,
        )
    return {
      irVersion: 8,
      opsets: new Map([['', 18]]),
      name: 'gguf',
      inputs: [{ name: input.name, type: 'int64', dims: ['batch', input.sequence] }],
      outputs: [{ name: output.name, type: 'float32', dims: ['batch', input.sequence, output.width] }],
      initializers: [...this.#initializers.values()],
      nodes: this.#nodes,
    }
  }

  /** A node, so that nobody takes it for a weight. */
  #constant(tensor: OnnxTensor): Name {
    const output = `v${this.#nodes.length}`
    const attributes = new Map([['value', { tensor }]])
    const node = { op: 'Constant', domain: '', name: output, inputs: [], outputs: [output], attributes }
    this.#nodes.push({ ...node, metadata: new Map() })
    return output
  }

  #tensor(name: string): GgufTensor {
    const tensor = this.#tensors.get(name)
    if (tensor === undefined)
      throw ggufError('GGUF_MALFORMED', 'file lacks a tensor of its architecture', name)
    return tensor
  }
}
