import { RESPONSES, SCHEMAS } from './answers.ts'
import { PATHS, REQUEST_SCHEMAS } from './routes.ts'
import type { OpenApi } from './types.ts'

const DESCRIPTION = `The API inside the encryption. No server answers it in clear: \`sotto proxy\` and \`sotto.fetch\` verify a
service first, then encrypt each request to it. Requests are written from the schemas that read them; fields that a route
knows and does not offer are marked "Refused", those that change nothing "No effect". Fields that no schema names are
ignored.`

/** The API inside the encryption as one document. */
export function inferenceApi(): OpenApi {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sotto inference API',
      version: '0.1.0',
      description: DESCRIPTION.replaceAll('\n', ' '),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      { url: 'http://127.0.0.1:8787', description: '`sotto proxy` on your machine' },
      {
        url: 'https://inference.sotto',
        description: 'Inside the encryption: `sotto.fetch` alone reaches it',
      },
    ],
    security: [{}, { proxySecret: [] }],
    tags: [
      { name: 'Models', description: 'What is served.' },
      { name: 'Text', description: 'Chat, completions, responses, embeddings and summaries.' },
      { name: 'Audio', description: 'Recordings to text.' },
      { name: 'Tensors', description: 'Any ONNX model by tensor: the Open Inference Protocol (KServe v2).' },
      {
        name: "Owners' models",
        description:
          'What programs of owners say to registry and KMS. Use the SDK, the command or `sotto proxy --owner`: they seal and sign.',
      },
      {
        name: 'Clean rooms',
        description:
          'What programs of parties say to KMS, boards and rooms. Use the SDK or the command: they verify, sign and seal.',
      },
      { name: 'Trust', description: 'What receipts and tokens rest on. The SDK asks for both by itself.' },
    ],
    paths: PATHS,
    components: {
      schemas: { ...REQUEST_SCHEMAS, ...SCHEMAS },
      responses: RESPONSES,
      securitySchemes: {
        proxySecret: {
          type: 'http',
          scheme: 'bearer',
          description: 'The secret of `sotto proxy --api-key`. It stays on your machine.',
        },
      },
    },
  }
}
