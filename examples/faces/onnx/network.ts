import { bytesField, concat, type Field, readFields, sameField } from './protobuf.ts'

/** Reads a network out of an ONNX file, so that it can become part of another graph. */

/** One step of a network. `rest` are its fields besides names: attributes and what says nothing. */
export interface NetworkNode {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly rest: readonly Field[]
}

/** An input or output; sizes that the file leaves open are undefined. */
export interface NetworkPort {
  readonly name: string
  readonly shape: readonly (number | undefined)[]
}

/** A network whose names are its own: all begin with the prefix it was read under. */
export interface Network {
  readonly opset: number
  readonly nodes: readonly NetworkNode[]
  /** TensorProtos. */
  readonly initializers: readonly Uint8Array[]
  /** Without those that are initializers too. */
  readonly inputs: readonly NetworkPort[]
  readonly outputs: readonly NetworkPort[]
}

/**
 * Reads a network. What a node that is moved into another graph could break on is refused: graphs inside nodes,
 * functions, operators of other domains, and weights in other files.
 * @throws Error that says what it is
 */
export function readNetwork(file: Uint8Array, prefix: string): Network {
  let graph: Uint8Array | undefined
  let opset: number | undefined
  for (const field of readFields(file)) {
    if (field.number === 7) graph = field.bytes
    if (field.number === 25) throw new Error('it has functions of its own, which this program cannot move')
    if (field.number === 8) {
      const { domain, version } = readOpset(field.bytes)
      if (domain === '' || domain === 'ai.onnx') opset = version
    }
  }
  if (graph === undefined || opset === undefined) throw new Error('this is no ONNX file')
  const rename = (name: string): string => (name === '' ? '' : prefix + name)
  const nodes: NetworkNode[] = []
  const initializers: { name: string; bytes: Uint8Array }[] = []
  const ports: Record<'inputs' | 'outputs', NetworkPort[]> = { inputs: [], outputs: [] }
  for (const { number, bytes } of readFields(graph)) {
    if (number === 1) nodes.push(readNode(bytes, rename))
    else if (number === 5) initializers.push(readInitializer(bytes, rename))
    else if (number === 11) ports.inputs.push(readPort(bytes, rename))
    else if (number === 12) ports.outputs.push(readPort(bytes, rename))
    else if (number === 15) throw new Error('it has sparse weights, which this program cannot move')
  }
  const weights = new Set(initializers.map(({ name }) => name))
  return {
    opset,
    nodes,
    initializers: initializers.map(({ bytes }) => bytes),
    inputs: ports.inputs.filter(({ name }) => !weights.has(name)),
    outputs: ports.outputs,
  }
}

/** NodeProto. */
export function writeNode({ operator, inputs, outputs, rest }: NetworkNode): Uint8Array {
  return concat([
    ...inputs.map((name) => bytesField(1, name)),
    ...outputs.map((name) => bytesField(2, name)),
    bytesField(4, operator),
    ...rest.map(sameField),
  ])
}

/** Name of an AttributeProto. */
export function attributeName({ bytes }: Field): string {
  return textOf([...readFields(bytes)].find(({ number }) => number === 1))
}

function readOpset(bytes: Uint8Array): { domain: string; version: number } {
  const fields = [...readFields(bytes)]
  return {
    domain: textOf(fields.find(({ number }) => number === 1)),
    version: Number(fields.find(({ number }) => number === 2)?.value ?? 0),
  }
}

function readNode(bytes: Uint8Array, rename: (name: string) => string): NetworkNode {
  const fields = [...readFields(bytes)]
  const texts = (wanted: number): string[] => fields.filter(({ number }) => number === wanted).map(textOf)
  const [operator = '', domain = ''] = [texts(4)[0], texts(7)[0]]
  if (domain !== '' && domain !== 'ai.onnx') throw new Error(`its operator ${operator} is one of ${domain}`)
  const rest = fields.filter(({ number }) => number === 5)
  for (const { bytes: attribute } of rest)
    for (const { number } of readFields(attribute))
      if (number === 6 || number === 11) throw new Error(`its operator ${operator} has a graph inside`)
  return { operator, inputs: texts(1).map(rename), outputs: texts(2).map(rename), rest }
}

function readInitializer(
  bytes: Uint8Array,
  rename: (name: string) => string,
): { name: string; bytes: Uint8Array } {
  let name = ''
  const parts: Uint8Array[] = []
  for (const field of readFields(bytes)) {
    if (field.number === 13 || field.number === 14) throw new Error('its weights lie in another file')
    if (field.number === 8) name = rename(textOf(field))
    else parts.push(sameField(field))
  }
  return { name, bytes: concat([...parts, bytesField(8, name)]) }
}

function readPort(bytes: Uint8Array, rename: (name: string) => string): NetworkPort {
  const inside = (message: Uint8Array | undefined, wanted: number): Field[] =>
    message === undefined ? [] : [...readFields(message)].filter(({ number }) => number === wanted)
  const tensorType = inside(inside(bytes, 2)[0]?.bytes, 1)[0]?.bytes
  const dims = inside(inside(tensorType, 2)[0]?.bytes, 1)
  return {
    name: rename(textOf(inside(bytes, 1)[0])),
    shape: dims.map((dim) => {
      const size = inside(dim.bytes, 1)[0]
      return size === undefined ? undefined : Number(size.value)
    }),
  }
}

function textOf(field: Field | undefined): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(field?.bytes)
}
