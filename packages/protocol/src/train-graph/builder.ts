import { type ElementType, integersOf, type OnnxTensor, tensorOf } from '../onnx/index.ts'
import { type AttributeRecord, attributesOf } from './attributes.ts'
import { graphError } from './errors.ts'
import { fold } from './fold.ts'
import type { Node, Value } from './ir.ts'
import { MAX_GRAPH_NODES } from './limits.ts'
import { shapesOf } from './shapes/index.ts'
import type { Asked } from './shapes/shape-of.ts'

/** Optional parts of a node to add. */
export interface NodeOptions {
  readonly attributes?: Node['attributes']
  readonly where?: string
  /** Outputs of an operator that lets the node choose. Default 1. */
  readonly count?: number
}

/**
 * A graph that grows in the order in which it runs. Every node that is added has its shapes checked, those of the
 * owner's graph and those of gradients alike; whole numbers that are known are computed at once.
 */
export class GraphBuilder {
  readonly nodes: Node[] = []
  readonly inputs: Value[] = []
  readonly #constants = new Map<Value, OnnxTensor>()
  readonly #equal = new Map<string, Value>()
  readonly #shared = new Map<string, Value>()
  /** What was given another shape, by what came of it. */
  readonly #unshaped = new Map<Value, Value>()
  /** Where nodes that gradients add say that they come from. */
  place = ''

  /** A named input. */
  input(name: string, type: ElementType, dims: readonly number[]): Value {
    const value = { name, type, dims }
    this.inputs.push(value)
    return value
  }

  /** A constant. Its name is dropped. */
  constant(tensor: OnnxTensor): Value {
    const value = { name: `c${this.#constants.size}`, type: tensor.type, dims: tensor.dims }
    this.#constants.set(value, tensor)
    return value
  }

  /** Content of a value that is known while the graph is built. */
  constantOf(value: Value): OnnxTensor | undefined {
    return this.#constants.get(value)
  }

  /** A constant of one element, of the type of `like`. */
  scalar(number: number, like: Value): Value {
    return this.numbers([], [number], like.type === 'float64' ? 'float64' : 'float32')
  }

  /** Whole numbers in one dimension. */
  ints(values: readonly number[]): Value {
    return this.numbers([values.length], values, 'int64')
  }

  /** A small constant; equal ones are one. */
  numbers(
    dims: readonly number[],
    values: readonly number[],
    type: 'float32' | 'float64' | 'int64' | 'int32',
  ): Value {
    const key = `${type} ${dims.join()} ${values.join()}`
    const found = this.#shared.get(key) ?? this.constant(tensorOf('', type, dims, values))
    this.#shared.set(key, found)
    return found
  }

  /** Adds a node of which the first output is wanted, or answers what an equal one gave before. */
  add(op: string, inputs: readonly (Value | undefined)[], attributes: AttributeRecord = {}): Value {
    const key = `${op} ${inputs.map((input) => input?.name ?? '').join()} ${JSON.stringify(attributes)}`
    const found =
      this.#equal.get(key) ?? this.addNode(op, inputs, { attributes: attributesOf(attributes) })[0]!
    this.#equal.set(key, found)
    if (op === 'Reshape') this.#unshaped.set(found, this.unshaped(inputs[0]!))
    return found
  }

  /** The value whose elements a value has in another shape; without one, itself. */
  unshaped(value: Value): Value {
    return this.#unshaped.get(value) ?? value
  }

  /**
   * Adds a node; answers all of its outputs.
   *
   * @throws `GRAPH_SHAPE` where shapes do not fit, or the graph is too large
   */
  addNode(op: string, inputs: readonly (Value | undefined)[], options: NodeOptions = {}): readonly Value[] {
    const {
      attributes = new Map(),
      where = this.place === '' ? op : `${op} for ${this.place}`,
      count = 1,
    } = options
    if (this.nodes.length >= MAX_GRAPH_NODES) throw graphError('GRAPH_SHAPE', 'graph has too many nodes')
    const asked: Asked = {
      op,
      inputs,
      attributes,
      where,
      count,
      constant: (value) => this.#constants.get(value),
      integers: (index) => this.#integers(inputs[index], where),
    }
    const shapes = shapesOf(asked)
    const known = fold(asked, shapes)
    if (known !== undefined) return [this.constant(known)]
    const at = this.nodes.length
    const outputs = shapes.map(({ type, dims }, i) => ({
      name: i === 0 ? `v${at}` : `v${at}.${i}`,
      type,
      dims,
    }))
    this.nodes.push({ op, inputs, outputs, attributes, where })
    return outputs
  }

  #integers(value: Value | undefined, where: string): readonly number[] | undefined {
    if (value === undefined) return undefined
    const tensor = this.#constants.get(value)
    if (tensor === undefined || (tensor.type !== 'int64' && tensor.type !== 'int32'))
      throw graphError('GRAPH_SHAPE', 'a shape depends on data, or is too long to know', where)
    return integersOf(tensor)
  }
}
