import type { z } from 'zod'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { ApiError } from './errors.ts'

/** Largest JSON request body. Texts to summarise and long conversations fit many times over. */
export const MAX_JSON_BYTES: number = 16 * 1024 * 1024

/** Deepest nesting of a body: schemas of tools need the most. What is deeper overflows the stack of whoever writes it. */
const MAX_JSON_DEPTH = 128

/**
 * Reads a JSON body up to {@link MAX_JSON_BYTES} and checks it. Unknown fields are ignored, as
 * OpenAI clients expect; the first wrong field is named.
 *
 * @throws `API_TOO_LARGE`, `API_INVALID`
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const bytes = await readBounded(request.body, MAX_JSON_BYTES)
  if (isDeeper(bytes, MAX_JSON_DEPTH))
    throw new ApiError('API_INVALID', `the request body is nested deeper than ${MAX_JSON_DEPTH}`)
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch {
    throw new ApiError('API_INVALID', 'the request body is not JSON')
  }
  return check(schema, value)
}

/** Checks a value against a schema. @throws `API_INVALID` naming the first wrong field */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const param = issue?.path.join('.') || null
  throw new ApiError('API_INVALID', `${param ?? 'request'}: ${issue?.message ?? 'malformed'}`, param)
}

/** Whether brackets of a JSON text nest deeper than `max`, those inside strings aside. */
function isDeeper(json: Uint8Array, max: number): boolean {
  let depth = 0
  let isInString = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!
    if (byte === QUOTE) isInString = !isInString
    else if (isInString) {
      if (byte === BACKSLASH) at++
    } else if ((byte | 0x20) === OPENING) {
      if (++depth > max) return true
    } else if ((byte | 0x20) === CLOSING) depth--
  }
  return false
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
/** `[` and `{` differ in one bit only, as do `]` and `}`. */
const [OPENING, CLOSING] = [0x7b, 0x7d]

/** Collects a body, stopping at the bound and not after it. */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (body) {
    for await (const chunk of body) {
      length += chunk.length
      if (length > maxBytes)
        throw new ApiError('API_TOO_LARGE', `the request body is larger than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks, length)
}

/** The fields that were given: null and absent mean the same to OpenAI clients. */
export function given<T extends object>(fields: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]?: NonNullable<T[Name]> }
}
