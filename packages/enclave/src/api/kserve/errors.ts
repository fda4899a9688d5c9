import { ApiError, errorResponse, openAIError } from '../openai/errors.ts'

/** A request that is not what the protocol says; `field` names the member. */
export function invalid(field: string, message: string): ApiError {
  return new ApiError('API_INVALID', `${field}: ${message}`, field)
}

/** A member that does not fit the model. */
export function mismatch(field: string, what: string, expected: string, found: string): ApiError {
  return invalid(field, `another ${what} than the model takes: expected ${expected}, found ${found}`)
}

/**
 * Anything thrown as the protocol's error object: `error` is the message. `code` is ours, for programs that react
 * to more than the status.
 */
export function kserveErrorResponse(error: unknown): Response {
  const { headers } = errorResponse(error)
  const { status, body } = openAIError(error)
  return new Response(JSON.stringify({ error: body.error.message, code: body.error.code }), {
    status,
    headers,
  })
}
