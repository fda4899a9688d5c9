import { json, path, ref, shared } from './parts.ts'
import type { Answer, OpenApi, Operation, Parameter } from './types.ts'

const ID = path(
  'id',
  'Id of a model. Ids may have slashes; one that ends like a word of a route is written with `%2F`.',
)
const VERSION = path('version', 'Digest of the manifest, 64 hexadecimal digits.')

const tensorAnswers = (description: string, content: Answer['content']): Record<string, Answer> => ({
  200: { description, content: content! },
  default: shared('TensorRefused'),
})

const infer = (operationId: string, parameters: Parameter[]): Record<'post', Operation> => ({
  post: {
    operationId,
    tags: ['Tensors'],
    summary: 'Tensors in, tensors out',
    description:
      'With the binary tensor data extension, elements follow the JSON, whose length is in `Inference-Header-Content-Length`.',
    parameters,
    requestBody: { required: true, content: json(ref('TensorRequest')) },
    responses: tensorAnswers('The outputs asked for.', json(ref('TensorAnswer'))),
  },
})
const metadata = (operationId: string, parameters: Parameter[]): Record<'get', Operation> => ({
  get: {
    operationId,
    tags: ['Tensors'],
    summary: 'What a model takes and gives',
    parameters,
    responses: tensorAnswers('Inputs and outputs; a dimension of -1 is free.', json(ref('TensorModel'))),
  },
})
const ready = (
  operationId: string,
  summary: string,
  parameters: Parameter[] = [],
): Record<'get', Operation> => ({
  get: {
    operationId,
    tags: ['Tensors'],
    summary,
    ...(parameters.length > 0 && { parameters }),
    responses: {
      200: { description: 'Ready.', content: json({ type: 'object' }) },
      503: { description: 'An engine is being started again.', content: json({ type: 'object' }) },
      default: shared('TensorRefused'),
    },
  },
})

/** Any model by tensor: the Open Inference Protocol. */
export const TENSOR_PATHS: OpenApi['paths'] = {
  '/v2': {
    get: {
      operationId: 'describeTensorServer',
      tags: ['Tensors'],
      summary: 'Name, version and extensions',
      responses: tensorAnswers('The server.', json(ref('TensorServer'))),
    },
  },
  '/v2/health/live': ready('isTensorServerLive', 'Whether the server runs'),
  '/v2/health/ready': ready('isTensorServerReady', 'Whether every engine takes requests'),
  '/v2/repository/index': {
    post: {
      operationId: 'indexTensorModels',
      tags: ['Tensors'],
      summary: 'The models that take tensors',
      responses: tensorAnswers('Name, version and state of each.', json(ref('TensorIndex'))),
    },
  },
  '/v2/models/{id}': metadata('describeTensorModel', [ID]),
  '/v2/models/{id}/versions/{version}': metadata('describeTensorModelVersion', [ID, VERSION]),
  '/v2/models/{id}/ready': ready('isTensorModelReady', 'Whether the engine of a model takes requests', [ID]),
  '/v2/models/{id}/versions/{version}/ready': ready(
    'isTensorModelVersionReady',
    'The same, of exactly this version',
    [ID, VERSION],
  ),
  '/v2/models/{id}/infer': infer('infer', [ID]),
  '/v2/models/{id}/versions/{version}/infer': infer('inferVersion', [ID, VERSION]),
}
