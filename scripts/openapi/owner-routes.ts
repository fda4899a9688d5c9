import { answers, json, path, plain, ref } from './parts.ts'
import type { OpenApi, Operation, Schema } from './types.ts'

const UPLOAD = path('upload', 'Id that the registry gave the upload, 32 hexadecimal digits.')
const OWNER = path('owner', 'Tag of the owner, 24 characters.')
const MODEL = path('model', 'Name of the model; to read exactly one version, `name:version`.')
const logged = answers('A signed document and its proof of inclusion.', json(ref('LoggedModel')))
const progress = answers('How far the upload is.', json({ type: 'object' }))
const ownersOnly = (body: Schema): Pick<Operation, 'requestBody'> => ({
  requestBody: { required: true, content: json(body) },
})

const SEALED = {
  'application/vnd.sotto.sealed-call': { schema: { type: 'string', format: 'binary' } as Schema },
}

const BYTES = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } as Schema } }
const BOARD = path('board', 'Id of the board, 64 hexadecimal digits.')
const DIGEST = path('digest', 'SHA-256 of the sealed file, hexadecimal.')
const TOKEN = {
  name: 'sotto-board-token',
  in: 'header' as const,
  required: true,
  description: 'What opens the board, to who has it: 32 bytes, base64url.',
  schema: plain,
}
const header = (name: string, description: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema: plain,
})
const tags = ['Clean rooms']
const boardFile = answers('How far a file is.', json({ type: 'object' }))

/** What parties of clean rooms say to KMS, boards and rooms, passed on. */
export const PARTY_PATHS: OpenApi['paths'] = {
  '/v1/rooms/calls': {
    post: {
      operationId: 'callKms',
      tags,
      summary: 'A call of a party, sealed to the KMS that it verified',
      requestBody: { required: true, content: SEALED },
      responses: answers('The answer, sealed to the call. Refusals of the KMS are inside.', SEALED),
    },
  },
  '/v1/rooms/keys/{artifact}': {
    post: {
      operationId: 'importRoomKey',
      tags,
      summary: 'The content key of an input, wrapped to the KMS, for runs of one contract',
      parameters: [path('artifact', 'Id in the sealed header, 32 hexadecimal digits.')],
      requestBody: { required: true, content: json({ type: 'object', description: 'A DSSE envelope.' }) },
      responses: answers('The KMS has it.', json({ type: 'object' })),
    },
  },
  '/v1/rooms/room': {
    get: {
      operationId: 'showRoom',
      tags,
      summary: 'Evidence of the room, bound to the key that calls to it are sealed to',
      responses: answers('Evidence, binding and checkpoint.', json({ type: 'object' })),
    },
  },
  '/v1/rooms/runs': {
    post: {
      operationId: 'callRoom',
      tags,
      summary: 'A call of a party, sealed to the room that it verified',
      requestBody: { required: true, content: SEALED },
      responses: answers('The answer, sealed to the call. Refusals of the room are inside.', SEALED),
    },
  },
  '/v1/rooms/boards/{board}': {
    put: {
      operationId: 'openBoard',
      tags,
      summary: 'Open a board, signed by an owner whom the operator admits',
      parameters: [BOARD],
      requestBody: { required: true, content: json({ type: 'object', description: 'A DSSE envelope.' }) },
      responses: answers('The board.', json({ type: 'object' })),
    },
  },
  '/v1/rooms/boards/{board}/messages': {
    get: {
      operationId: 'readBoard',
      tags,
      summary: 'Sealed messages after an index',
      parameters: [
        BOARD,
        TOKEN,
        { name: 'after', in: 'query', required: false, description: 'The last index seen.', schema: plain },
      ],
      responses: answers('Messages in order, page by page.', json({ type: 'object' })),
    },
    post: {
      operationId: 'postToBoard',
      tags,
      summary: 'Leave a sealed message, at most 8 MiB; the same again is there once',
      parameters: [BOARD, TOKEN],
      requestBody: { required: true, content: BYTES },
      responses: answers('Its index.', json({ type: 'object' })),
    },
  },
  '/v1/rooms/boards/{board}/files': {
    post: {
      operationId: 'announceBoardFile',
      tags,
      summary: 'Announce a sealed file, or ask how far it is',
      parameters: [BOARD, TOKEN],
      requestBody: { required: true, content: json({ type: 'object' }) },
      responses: boardFile,
    },
  },
  '/v1/rooms/boards/{board}/files/{digest}': {
    get: {
      operationId: 'readBoardFile',
      tags,
      summary: 'One range of a sealed file, at most 32 MiB',
      parameters: [BOARD, DIGEST, TOKEN, header('range', '`bytes=first-last`')],
      responses: answers('These bytes.', BYTES),
    },
    patch: {
      operationId: 'continueBoardFile',
      tags,
      summary: 'The next part, at most 32 MiB, from `upload-offset` on',
      parameters: [BOARD, DIGEST, TOKEN, header('upload-offset', 'Where the part begins.')],
      requestBody: { required: true, content: BYTES },
      responses: boardFile,
    },
  },
  '/v1/rooms/boards/{board}/files/{digest}/state': {
    get: {
      operationId: 'showBoardFile',
      tags,
      summary: 'How far a sealed file is',
      parameters: [BOARD, DIGEST, TOKEN],
      responses: boardFile,
    },
  },
}

/** What owners say to registry and KMS, passed on. */
export const OWNER_PATHS: OpenApi['paths'] = {
  '/v1/sealed-models': {
    get: {
      operationId: 'listSealedModels',
      tags: ["Owners' models"],
      summary: 'What an owner has published',
      parameters: ['owner', 'name', 'after'].map((name) => ({
        name,
        in: 'query' as const,
        required: name === 'owner',
        description: { owner: 'Tag of the owner.', name: 'One model alone.', after: 'The last entry seen.' }[
          name
        ]!,
        schema: plain,
      })),
      responses: answers('Signed statements, page by page.', json({ type: 'object' })),
    },
  },
  '/v1/sealed-models/uploads': {
    post: {
      operationId: 'announceUpload',
      tags: ["Owners' models"],
      summary: 'Announce a sealed file, signed by its owner',
      ...ownersOnly({ type: 'object', description: 'A DSSE envelope.' }),
      responses: progress,
    },
  },
  '/v1/sealed-models/uploads/{upload}': {
    get: {
      operationId: 'showUpload',
      tags: ["Owners' models"],
      summary: 'How far an upload is',
      parameters: [UPLOAD],
      responses: progress,
    },
    patch: {
      operationId: 'continueUpload',
      tags: ["Owners' models"],
      summary: 'The next part, at most 32 MiB, from `upload-offset` on',
      parameters: [
        UPLOAD,
        {
          name: 'upload-offset',
          in: 'header',
          required: true,
          description: 'Where the part begins.',
          schema: { type: 'integer', minimum: 0 },
        },
      ],
      requestBody: {
        required: true,
        content: {
          'application/octet-stream': {
            schema: { type: 'string', contentMediaType: 'application/octet-stream' },
          },
        },
      },
      responses: progress,
    },
  },
  '/v1/sealed-models/{owner}/{model}': {
    get: {
      operationId: 'showSealedModel',
      tags: ["Owners' models"],
      summary: 'The statement of a model',
      parameters: [OWNER, MODEL],
      responses: logged,
    },
    put: {
      operationId: 'publishSealedModel',
      tags: ["Owners' models"],
      summary: 'Publish: the content key goes to the KMS first, then the statement to registry and log',
      parameters: [OWNER, MODEL],
      ...ownersOnly({
        type: 'object',
        properties: { statement: plain, import: plain },
        required: ['statement', 'import'],
      }),
      responses: logged,
    },
    delete: {
      operationId: 'removeSealedModel',
      tags: ["Owners' models"],
      summary: 'Remove every version: the KMS destroys the content keys and signs which',
      parameters: [OWNER, MODEL],
      ...ownersOnly({ type: 'object', properties: { removal: plain }, required: ['removal'] }),
      responses: answers(
        'What the KMS destroyed, signed, and the removal in the log where the registry had the model.',
        json({
          type: 'object',
          properties: { receipt: plain, logged: ref('LoggedModel') },
          required: ['receipt'],
        }),
      ),
    },
  },
}
