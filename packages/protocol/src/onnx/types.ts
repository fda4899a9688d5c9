/** Element types that tensors have here: all of ONNX with whole bytes for each element, and text. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'
  | 'string'

/** A constant. The count of elements fits `data`. */
export interface OnnxTensor {
  readonly name: string
  readonly type: ElementType
  /** No dimensions: one element. */
  readonly dims: readonly number[]
  /**
   * Elements in row-major order, little-endian; a `string` is its length in 4 bytes and its UTF-8 bytes (as in KServe).
   * Often a view of the model's bytes that begins at any offset: see `floatsOf` and `integersOf`.
   */
  readonly data: Uint8Array
}

/** Value of an attribute, tagged by the only member that it has. */
export type AttributeValue =
  | { readonly int: bigint }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly bigint[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph }

/** One operation. */
export interface OnnxNode {
  readonly op: string
  /** Empty for the operators of ONNX itself; `ai.onnx` is read as that. */
  readonly domain: string
  readonly name: string
  /** Empty where an optional input is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, AttributeValue>
  /** `metadata_props`: exporters say there which module a node comes from. */
  readonly metadata: ReadonlyMap<string, string>
}

/** An input or output of a graph. */
export interface OnnxPort {
  readonly name: string
  /** Always there for inputs and outputs of a model; sub-graphs may leave it out. */
  readonly type?: ElementType
  /** A word for a dimension that is free, empty where it has no name; none at all where not even the rank is said. */
  readonly dims?: readonly (number | string)[]
}

/** Nodes in an order in which they can run, between named values that are each written once. */
export interface OnnxGraph {
  readonly name: string
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly initializers: readonly OnnxTensor[]
  readonly nodes: readonly OnnxNode[]
}

/** A graph and the versions of the operators that it uses. */
export interface OnnxModel extends OnnxGraph {
  readonly irVersion: number
  /** Version by domain; the domain of ONNX itself is empty. */
  readonly opsets: ReadonlyMap<string, number>
}
