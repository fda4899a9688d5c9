import { FORM_FIELDS } from '../../packages/enclave/src/api/audio/fields.ts'
import { ROUTE_FIELDS } from '../../packages/enclave/src/api/text/routes.ts'
import { OWNER_PATHS, PARTY_PATHS } from './owner-routes.ts'
import { answers, events, json, path, plain, ref, typed } from './parts.ts'
import { requestSchema } from './requests.ts'
import { TENSOR_PATHS } from './tensor-routes.ts'
import type { OpenApi, Operation, Schema } from './types.ts'

const BODIES = {
  '/v1/chat/completions': 'ChatRequest',
  '/v1/completions': 'CompletionRequest',
  '/v1/responses': 'ResponseRequest',
  '/v1/embeddings': 'EmbeddingRequest',
  '/v1/summaries': 'SummaryRequest',
} as const satisfies Record<keyof typeof ROUTE_FIELDS, string>

/** Every body that a schema reads. */
export const REQUEST_SCHEMAS: Readonly<Record<string, Schema>> = {
  ...Object.fromEntries(
    Object.entries(ROUTE_FIELDS).map(([route, schema]) => [
      BODIES[route as keyof typeof BODIES],
      requestSchema(schema),
    ]),
  ),
  TranscriptionRequest: formSchema(),
}

/** A route that takes JSON: its body is the schema that reads it. */
function posts(
  route: keyof typeof ROUTE_FIELDS,
  about: Omit<Operation, 'requestBody'>,
): Record<'post', Operation> {
  return { post: { ...about, requestBody: { required: true, content: json(ref(BODIES[route])) } } }
}

function formSchema(): Schema {
  const schema = requestSchema(FORM_FIELDS['/v1/audio/transcriptions'])
  const file: Schema = { ...schema.properties!['file'], contentMediaType: 'application/octet-stream' }
  // Fields of a form are lists: those that may stand there several times are left out where there are none.
  return { ...schema, properties: { ...schema.properties, file }, required: ['file'] }
}

function form(about: Omit<Operation, 'requestBody' | 'responses' | 'tags'>): Record<'post', Operation> {
  return {
    post: {
      ...about,
      tags: ['Audio'],
      requestBody: {
        required: true,
        content: { 'multipart/form-data': { schema: ref('TranscriptionRequest') } },
      },
      responses: answers('The transcript, in the format asked for.', {
        ...json({ anyOf: [ref('Transcription'), ref('VerboseTranscription')] }),
        'text/plain': { schema: plain },
        'application/x-subrip': { schema: plain },
        'text/vtt': { schema: plain },
        ...events(typed('transcript.text.delta', 'transcript.text.segment', 'transcript.text.done')),
      }),
    },
  }
}

/** Every path and what its methods do. */
export const PATHS: OpenApi['paths'] = {
  '/v1/models': {
    get: {
      operationId: 'listModels',
      tags: ['Models'],
      summary: 'The models, then their other names',
      responses: answers('Models of owners are in no list.', json(ref('ModelList'))),
    },
  },
  '/v1/models/{id}': {
    get: {
      operationId: 'showModel',
      tags: ['Models'],
      summary: 'One model, with the digest that receipts quote',
      parameters: [path('id', 'Id or alias of a model. Ids may have slashes.')],
      responses: answers('The model.', json(ref('Model'))),
    },
  },
  '/v1/chat/completions': posts('/v1/chat/completions', {
    operationId: 'createChatCompletion',
    tags: ['Text'],
    summary: 'Answer a conversation',
    responses: answers('The answer, or with `stream` its events and then `[DONE]`.', {
      ...json(ref('ChatCompletion')),
      ...events(ref('ChatCompletionChunk')),
    }),
  }),
  '/v1/completions': posts('/v1/completions', {
    operationId: 'createCompletion',
    tags: ['Text'],
    summary: 'Go on with a text',
    responses: answers('The text, or with `stream` its events and then `[DONE]`.', {
      ...json(ref('Completion')),
      ...events(ref('CompletionChunk')),
    }),
  }),
  '/v1/responses': posts('/v1/responses', {
    operationId: 'createResponse',
    tags: ['Text'],
    summary: 'Answer a conversation, in the newer form',
    description: 'Nothing is stored: every request brings its whole conversation.',
    responses: answers('The response, or with `stream` its events.', {
      ...json(ref('Response')),
      ...events(typed()),
    }),
  }),
  '/v1/embeddings': posts('/v1/embeddings', {
    operationId: 'createEmbeddings',
    tags: ['Text'],
    summary: 'Texts to vectors',
    responses: answers('A vector for every input, in their order.', json(ref('Embeddings'))),
  }),
  '/v1/summaries': posts('/v1/summaries', {
    operationId: 'createSummary',
    tags: ['Text'],
    summary: 'Summarise a text',
    description: 'Not a route of OpenAI; it keeps their manners.',
    responses: answers('The summary, or with `stream` its events.', {
      ...json(ref('Summary')),
      ...events(typed('summary.delta', 'summary.done')),
    }),
  }),
  '/v1/audio/transcriptions': form({
    operationId: 'createTranscription',
    summary: 'Speech to text, in the language spoken',
  }),
  '/v1/audio/translations': form({
    operationId: 'createTranslation',
    summary: 'Speech to English text',
    description: 'For models that translate. The form is that of transcriptions.',
  }),
  ...TENSOR_PATHS,
  ...OWNER_PATHS,
  ...PARTY_PATHS,
  '/sotto/receipt-certificate': {
    get: {
      operationId: 'showReceiptCertificate',
      tags: ['Trust'],
      summary: 'What certifies the key that signs receipts',
      parameters: [
        {
          name: 'evidence',
          in: 'query',
          description: 'Digest of the evidence that a receipt names. Left out: the certificate in force.',
          schema: plain,
        },
      ],
      responses: answers('Logged documents with proofs of inclusion.', json({ type: 'object' })),
    },
  },
  '/sotto/token-challenge': {
    get: {
      operationId: 'showTokenChallenge',
      tags: ['Trust'],
      summary: 'What a token has to answer, the same for everybody',
      description: 'Only where the deployment asks for tokens.',
      responses: answers('The challenge.', { 'application/octet-stream': { schema: plain } }),
    },
  },
}
