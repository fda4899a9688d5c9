/** Attribute values of a node: an integer from 0 on, or a list of integers; `{ float }` for a real number. */
type Attribute = number | readonly number[] | { float: number }

/** One node of a graph. */
interface Node {
  op: string
  inputs: string[]
  output: string
  attributes: Record<string, Attribute>
}

const FLOAT = 1
const INT64 = 7

/** Collects an ONNX graph in the order it runs and writes it as onnx.proto has it. */
export class OnnxGraph {
  readonly #nodes: Node[] = []
  readonly #initializers: Buffer[][] = []
  #names = 0

  /** Adds a node; answers the name of its output. */
  add(op: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    const output = `v${this.#names++}`
    this.#nodes.push({ op, inputs, output, attributes })
    return output
  }

  /** Adds constant integers. */
  integers(values: readonly number[]): string {
    return this.#constant(INT64, [values.length], Buffer.from(BigInt64Array.from(values, BigInt).buffer))
  }

  /** Adds constant numbers. */
  floats(values: Float32Array, shape: readonly number[]): string {
    return this.#constant(FLOAT, shape, Buffer.from(values.buffer, values.byteOffset, values.byteLength))
  }

  /** The model as bytes, in parts. The output `from` is renamed. */
  encode(
    input: { name: string; shape: readonly string[] },
    output: { name: string; from: string; shape: readonly string[] },
    opset: number,
  ): Buffer[] {
    this.#nodes.push({ op: 'Identity', inputs: [output.from], output: output.name, attributes: {} })
    const graph = [
      ...this.#nodes.flatMap((node) => message(1, encodeNode(node))),
      ...message(2, [Buffer.from('bench')]),
      ...this.#initializers.flatMap((parts) => message(5, parts)),
      ...message(11, valueInfo(input.name, input.shape)),
      ...message(12, valueInfo(output.name, output.shape)),
    ]
    const operators = [...message(1, []), integer(2, opset)]
    return [integer(1, 9), ...message(7, graph), ...message(8, operators)]
  }

  #constant(type: number, shape: readonly number[], data: Buffer): string {
    const name = `c${this.#names++}`
    this.#initializers.push([
      ...shape.map((size) => integer(1, size)),
      integer(2, type),
      ...message(8, [Buffer.from(name)]),
      ...message(9, [data]),
    ])
    return name
  }
}

function encodeNode({ op, inputs, output, attributes }: Node): Buffer[] {
  return [
    ...inputs.flatMap((name) => message(1, [Buffer.from(name)])),
    ...message(2, [Buffer.from(output)]),
    ...message(4, [Buffer.from(op)]),
    ...Object.entries(attributes).flatMap(([name, value]) => message(5, encodeAttribute(name, value))),
  ]
}

/** AttributeProto.type: FLOAT 1, INT 2, INTS 7. */
function encodeAttribute(name: string, value: Attribute): Buffer[] {
  const named = message(1, [Buffer.from(name)])
  if (typeof value === 'number') return [...named, integer(3, value), integer(20, 2)]
  if ('float' in value) {
    const bytes = Buffer.alloc(5)
    bytes.writeUInt8((2 << 3) | 5)
    bytes.writeFloatLE(value.float, 1)
    return [...named, bytes, integer(20, 1)]
  }
  return [...named, ...value.map((one) => integer(8, one)), integer(20, 7)]
}

function valueInfo(name: string, shape: readonly string[]): Buffer[] {
  const dimensions = shape.flatMap((dimension) => message(1, message(2, [Buffer.from(dimension)])))
  const tensor = [integer(1, FLOAT), ...message(2, dimensions)]
  return [...message(1, [Buffer.from(name)]), ...message(2, message(1, tensor))]
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)])
}

function message(field: number, parts: Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return [varint((field << 3) | 2), varint(length), ...parts]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
