import { type Network, writeNode } from './network.ts'
import { bytesField, concat, numberField } from './protobuf.ts'
import { node, port, tensor, type Values } from './values.ts'

/** IR version of the file: the first in which weights need not be inputs. */
const IR_VERSION = 4

/**
 * Puts a graph together, operator by operator. All operators used with it must mean the same in every operator set that
 * `raiseOpset` knows, for the file has the set of the networks that are put into it.
 */
export class GraphBuilder {
  readonly #nodes: Uint8Array[] = []
  readonly #initializers: Uint8Array[] = []
  readonly #inputs: Uint8Array[] = []
  readonly #outputs: Uint8Array[] = []
  #count = 0

  /** Declares an input and returns its name. */
  input(name: string, type: number, dims: readonly number[]): string {
    this.#inputs.push(port(name, type, dims))
    return name
  }

  /** Gives a value out under a name. */
  output(name: string, type: number, dims: readonly number[], value: string): void {
    this.#nodes.push(node('Identity', [value], [name]))
    this.#outputs.push(port(name, type, dims))
  }

  /** Applies an operator and returns the name of its result. */
  op(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string {
    const name = this.#name(operator)
    this.#nodes.push(node(operator, inputs, [name], attributes))
    return name
  }

  /** A constant of floats; without sizes a list of them. */
  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): string {
    return this.#constant(dims, Float32Array.from(values))
  }

  /** A constant without dimensions. */
  scalar(value: number): string {
    return this.floats([value], [])
  }

  /** A constant list of integers. */
  integers(values: readonly number[]): string {
    return this.#constant([values.length], BigInt64Array.from(values, BigInt))
  }

  /** A constant list of texts. */
  texts(values: readonly string[]): string {
    return this.#constant([values.length], values)
  }

  reshape(value: string, dims: readonly number[]): string {
    return this.op('Reshape', [value, this.integers(dims)])
  }

  /** Puts a network here whose only input is `input`; returns the names of its outputs. */
  network({ nodes, initializers, inputs, outputs }: Network, input: string): string[] {
    this.#nodes.push(node('Identity', [input], [inputs[0]!.name]), ...nodes.map(writeNode))
    this.#initializers.push(...initializers)
    return outputs.map(({ name }) => name)
  }

  /** The ONNX file. */
  file(opset: number): Uint8Array {
    const graph = concat([
      ...this.#nodes.map((bytes) => bytesField(1, bytes)),
      bytesField(2, 'faces'),
      ...this.#initializers.map((bytes) => bytesField(5, bytes)),
      ...this.#inputs.map((bytes) => bytesField(11, bytes)),
      ...this.#outputs.map((bytes) => bytesField(12, bytes)),
    ])
    return concat([numberField(1, IR_VERSION), bytesField(7, graph), bytesField(8, numberField(2, opset))])
  }

  #constant(dims: readonly number[], values: Values): string {
    const name = this.#name('constant')
    this.#initializers.push(tensor(name, dims, values))
    return name
  }

  #name(what: string): string {
    return `faces/${what}_${this.#count++}`
  }
}
