import type { Answer, Parameter, Schema } from './types.ts'

/** Small pieces that all routes are made of. */

export const plain: Schema = { type: 'string' }
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
export const json = (schema: Schema): Record<string, { schema: Schema }> => ({
  'application/json': { schema },
})

/** What `text/event-stream` holds cannot be said in a schema: one event. */
export const events = (schema: Schema): Record<string, { schema: Schema }> => ({
  'text/event-stream': { schema },
})

/** Events that tell themselves apart by their `type`. */
export const typed = (...types: string[]): Schema => ({
  type: 'object',
  properties: { type: types.length > 0 ? { enum: types } : plain },
  required: ['type'],
})

export const shared = (name: string): Answer => ({ $ref: `#/components/responses/${name}` })

export const answers = (description: string, content: Answer['content']): Record<string, Answer> => ({
  200: { description, content: content! },
  '4XX': shared('Refused'),
  '5XX': shared('Unavailable'),
})

export const path = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: plain,
})
