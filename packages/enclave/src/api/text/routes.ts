import { chatSchema } from './chat-schema.ts'
import { completionSchema } from './completion-schema.ts'
import { embeddingSchema } from './embeddings.ts'
import { responsesSchema } from './responses/schema.ts'
import { summaryFields } from './summaries.ts'

/** The JSON routes and their fields: what docs/api.md shows, and what the tests of fields walk. */
export const ROUTE_FIELDS = {
  '/v1/chat/completions': chatSchema,
  '/v1/completions': completionSchema,
  '/v1/responses': responsesSchema,
  '/v1/embeddings': embeddingSchema,
  '/v1/summaries': summaryFields,
} as const
