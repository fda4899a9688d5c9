import { engineError } from '../errors.ts'
import { type Field, readFields } from './protobuf.ts'

/** Messages inside messages at most. A graph inside a graph is three deeper; real exports need ten. */
const MAX_DEPTH = 64

/** The messages of onnx.proto that lead to a tensor, and the field numbers of what they hold. */
const CHILDREN = {
  ModelProto: { 7: 'GraphProto', 20: 'TrainingInfoProto', 25: 'FunctionProto' },
  TrainingInfoProto: { 1: 'GraphProto', 2: 'GraphProto' },
  FunctionProto: { 7: 'NodeProto', 11: 'AttributeProto' },
  GraphProto: { 1: 'NodeProto', 5: 'TensorProto', 15: 'SparseTensorProto' },
  NodeProto: { 5: 'AttributeProto' },
  AttributeProto: {
    5: 'TensorProto',
    6: 'GraphProto',
    10: 'TensorProto',
    11: 'GraphProto',
    22: 'SparseTensorProto',
    23: 'SparseTensorProto',
  },
  SparseTensorProto: { 1: 'TensorProto', 2: 'TensorProto' },
} as const satisfies Record<string, Record<number, string>>

type Message = keyof typeof CHILDREN | 'TensorProto'

const EXTERNAL_DATA = 13
const DATA_LOCATION = 14
const LOCATION_EXTERNAL = 1n

/**
 * Names of the files that a model's tensors keep their values in (`external_data` of onnx.proto), in no order.
 *
 * Whoever supplies the model controls these bytes, and the runtime would open such a name below the working
 * directory, or read memory for the name `_ORT_MEM_ADDR_`. So every tensor at every place is looked at before
 * the runtime sees the model. A tensor marked external without a name is reported as the empty name.
 *
 * @throws `ENGINE_MODEL_INVALID` for bytes that are not a protobuf message, or the runtime's own `ORTM` format
 */
export function externalDataOf(model: Uint8Array): Set<string> {
  // The runtime recognises its flatbuffer format by these bytes, whatever else the file could be read as.
  if (model.length >= 8 && String.fromCharCode(...model.subarray(4, 8)) === 'ORTM')
    throw invalid('model is in the ORT format; only ONNX is read')
  const found = new Set<string>()
  if (!walk(model, 'ModelProto', 0, found)) throw invalid('model has no graph')
  return found
}

/** Whether a graph was met. */
function walk(bytes: Uint8Array, message: Message, depth: number, found: Set<string>): boolean {
  if (depth > MAX_DEPTH) throw invalid('model nests graphs too deeply')
  if (message === 'TensorProto') {
    readTensor(bytes, found)
    return false
  }
  const children: Readonly<Record<number, Message>> = CHILDREN[message]
  let graph = false
  for (const field of readFields(bytes)) {
    const child = children[field.number]
    if (!child) continue
    walk(bytesOf(field), child, depth + 1, found)
    graph ||= child === 'GraphProto'
  }
  return graph
}

function readTensor(bytes: Uint8Array, found: Set<string>): void {
  let external = false
  let named = false
  for (const field of readFields(bytes)) {
    if (field.number === DATA_LOCATION && field.value === LOCATION_EXTERNAL) external = true
    if (field.number !== EXTERNAL_DATA) continue
    external = true
    const name = locationOf(bytesOf(field))
    if (name === undefined) continue
    named = true
    found.add(name)
  }
  if (external && !named) found.add('')
}

/** StringStringEntryProto: key 1, value 2. */
function locationOf(entry: Uint8Array): string | undefined {
  let key = ''
  let value = ''
  for (const field of readFields(entry)) {
    if (field.number === 1) key = Buffer.from(bytesOf(field)).toString('utf8')
    if (field.number === 2) value = Buffer.from(bytesOf(field)).toString('utf8')
  }
  return key === 'location' ? value : undefined
}

function bytesOf(field: Field): Uint8Array {
  if (!field.bytes) throw invalid('model has a field of the wrong wire type')
  return field.bytes
}

function invalid(message: string): Error {
  return engineError('ENGINE_MODEL_INVALID', message)
}
