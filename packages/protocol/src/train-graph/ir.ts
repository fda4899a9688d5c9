import type { AttributeValue, ElementType } from '../onnx/index.ts'

/** A tensor of known shape that an input, a constant or a node gives. Compared by identity. */
export interface Value {
  /** Unique in its graph; names of the owner's graph do not occur in it. */
  readonly name: string
  readonly type: ElementType
  readonly dims: readonly number[]
}

/** One operation of opset 18. */
export interface Node {
  readonly op: string
  /** Undefined where an optional input is left out. */
  readonly inputs: readonly (Value | undefined)[]
  readonly outputs: readonly Value[]
  readonly attributes: ReadonlyMap<string, AttributeValue>
  /** Operator, name and module in the owner's graph, for refusals. */
  readonly where: string
}

/** Input `index` of a node, which must be there. */
export function inputOf(node: Node, index: number): Value {
  return node.inputs[index]!
}
