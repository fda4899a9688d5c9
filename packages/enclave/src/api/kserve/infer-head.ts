import { type Datatype, DATATYPES, isDatatype, MAX_RANK } from '@sotto/protocol/tensors'
import { invalid } from './errors.ts'
import { JsonReader, malformed, type Span } from './json-reader.ts'
import { MAX_NAME_LENGTH, MAX_TENSORS } from './limits.ts'
import { flag, type Parameters, readParameters, size } from './parameters.ts'

/** An input as the JSON states it. Its elements stand in the JSON, or follow as that many bytes. */
export interface StatedInput {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: { readonly span: Span } | { readonly bytes: number }
}

/** An output that is asked for. */
export interface WantedOutput {
  readonly name: string
  /** Undefined: as the request says for all. */
  readonly binary: boolean | undefined
}

/** The JSON part of an inference request. */
export interface InferHead {
  readonly id: string | undefined
  readonly inputs: readonly StatedInput[]
  /** Undefined: all of the model. */
  readonly outputs: readonly WantedOutput[] | undefined
  /** Whether outputs that do not say travel as binary data. */
  readonly binaryOutputs: boolean
}

const NO_PARAMETERS: Parameters = new Map()

/** Parses the JSON of an inference request; elements are left where they are. @throws `API_INVALID`, `API_UNSUPPORTED` */
export function parseInferHead(text: string): InferHead {
  const reader = new JsonReader(text)
  let id: string | undefined
  let inputs: StatedInput[] | undefined
  let outputs: WantedOutput[] | undefined
  let parameters = NO_PARAMETERS
  reader.object((name) => {
    switch (name) {
      case 'id':
        id = bounded(reader.string(), 'id')
        break
      case 'parameters':
        parameters = readParameters(reader, name, ['binary_data_output'])
        break
      case 'inputs':
        inputs = tensors(reader, 'inputs', readInput)
        break
      case 'outputs':
        outputs = tensors(reader, 'outputs', readOutput)
        break
      default:
        throw malformed('it has an unknown member; those of the protocol are id, parameters, inputs, outputs')
    }
  })
  reader.end()
  if (inputs === undefined) throw invalid('inputs', 'the request has none')
  return { id, inputs, outputs, binaryOutputs: flag(parameters, 'binary_data_output', 'parameters') ?? false }
}

function tensors<T>(reader: JsonReader, field: string, read: (reader: JsonReader, field: string) => T): T[] {
  const found: T[] = []
  reader.array((index) => {
    if (index >= MAX_TENSORS) throw invalid(field, `at most ${MAX_TENSORS} tensors`)
    found.push(read(reader, `${field}[${index}]`))
  })
  return found
}

function readInput(reader: JsonReader, field: string): StatedInput {
  let name: string | undefined
  let datatype: Datatype | undefined
  let shape: number[] | undefined
  let span: Span | undefined
  let parameters = NO_PARAMETERS
  reader.object((member) => {
    switch (member) {
      case 'name':
        name = bounded(reader.string(), `${field}.name`)
        break
      case 'datatype':
        datatype = readDatatype(reader, `${field}.datatype`)
        break
      case 'shape':
        shape = readShape(reader, `${field}.shape`)
        break
      case 'data':
        span = reader.skipArray(MAX_RANK)
        break
      case 'parameters':
        // `content_type` is a hint for servers that convert; the tensor is the same without.
        parameters = readParameters(reader, `${field}.parameters`, ['binary_data_size', 'content_type'])
        break
      default:
        throw malformed(`${field} has an unknown member`)
    }
  })
  const bytes = size(parameters, 'binary_data_size', `${field}.parameters`)
  if (name === undefined || datatype === undefined || shape === undefined)
    throw invalid(field, 'an input needs name, datatype and shape')
  if ((span === undefined) === (bytes === undefined))
    throw invalid(field, 'an input needs either data or the parameter binary_data_size')
  return { name, datatype, shape, data: span === undefined ? { bytes: bytes! } : { span } }
}

function readOutput(reader: JsonReader, field: string): WantedOutput {
  let name: string | undefined
  let parameters = NO_PARAMETERS
  reader.object((member) => {
    if (member === 'name') name = bounded(reader.string(), `${field}.name`)
    else if (member === 'parameters')
      parameters = readParameters(reader, `${field}.parameters`, ['binary_data'])
    else throw malformed(`${field} has an unknown member`)
  })
  if (name === undefined) throw invalid(field, 'an output needs a name')
  return { name, binary: flag(parameters, 'binary_data', `${field}.parameters`) }
}

function readDatatype(reader: JsonReader, field: string): Datatype {
  const word = reader.string()
  if (isDatatype(word)) return word
  throw invalid(field, `no datatype of this server; it has ${DATATYPES.join(', ')}`)
}

function readShape(reader: JsonReader, field: string): number[] {
  const shape: number[] = []
  reader.array((index) => {
    if (index >= MAX_RANK) throw invalid(field, `at most ${MAX_RANK} dimensions`)
    const written = reader.number()
    if (!/^\d{1,15}$/.test(written)) throw invalid(field, 'a dimension is no counting number')
    shape.push(Number(written))
  })
  return shape
}

function bounded(text: string, field: string): string {
  if (text.length > MAX_NAME_LENGTH) throw invalid(field, `longer than ${MAX_NAME_LENGTH} characters`)
  return text
}
