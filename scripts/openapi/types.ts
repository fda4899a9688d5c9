/** A JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1), as far as these documents use it. */
export interface Schema {
  $ref?: string
  type?: string | readonly string[]
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  additionalProperties?: Schema | boolean
  items?: Schema
  minItems?: number
  maxItems?: number
  description?: string
  pattern?: string
  contentMediaType?: string
  [keyword: string]: unknown
}

/** One answer of an operation: a reference to a component, or its contents by media type. */
export interface Answer {
  $ref?: string
  description?: string
  content?: Readonly<Record<string, { schema: Schema }>>
}

/** A value that a path or query carries. */
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description: string
  schema: Schema
}

/** What one method of a path does. */
export interface Operation {
  operationId: string
  tags: readonly string[]
  summary: string
  description?: string
  parameters?: readonly Parameter[]
  requestBody?: { required: boolean; content: Readonly<Record<string, { schema: Schema }>> }
  responses: Readonly<Record<string, Answer>>
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** An OpenAPI 3.1 document. */
export interface OpenApi {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  servers: readonly { url: string; description: string }[]
  security: readonly Readonly<Record<string, readonly string[]>>[]
  tags: readonly { name: string; description: string }[]
  paths: Readonly<Record<string, Readonly<Partial<Record<Method, Operation>>>>>
  components: {
    schemas: Readonly<Record<string, Schema>>
    responses: Readonly<Record<string, Answer>>
    securitySchemes: Readonly<Record<string, object>>
  }
}
