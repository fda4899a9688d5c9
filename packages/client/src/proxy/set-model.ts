import { fromUtf8 } from '@sotto/protocol/bytes'
import { clientError } from '../errors.ts'
import { chunksOf, readBounded } from '../streams.ts'
import { replaceFormField } from './replace-form-field.ts'

/** JSON bodies are read whole to set the model; images inside messages make them large. */
const MAX_JSON_BYTES = 64 * 1024 * 1024

/**
 * The body with `model` set, whatever it said before: a member of a JSON object, or a field at the
 * front of a form that keeps streaming.
 * @throws `REQUEST_INVALID` neither JSON object nor form
 */
export async function setModel(
  request: Request,
  model: string,
): Promise<{ body: string | AsyncGenerator<Uint8Array>; contentType: string }> {
  const contentType = request.headers.get('content-type') ?? ''
  const boundary = /^multipart\/form-data;.*\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  if (boundary !== null) {
    if (request.body === null) throw clientError('REQUEST_INVALID', 'the form is empty')
    const body = replaceFormField(chunksOf(request.body), (boundary[1] ?? boundary[2])!, 'model', model)
    return { body, contentType }
  }
  const bytes = await readBounded(request.body, MAX_JSON_BYTES)
  if (bytes === undefined) throw clientError('REQUEST_INVALID', 'the JSON body is too large')
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch {
    // Without the cause: the parser's message quotes the body.
    throw clientError('REQUEST_INVALID', 'the body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw clientError('REQUEST_INVALID', 'the body is not a JSON object')
  }
  return { body: JSON.stringify({ ...value, model }), contentType: 'application/json' }
}
