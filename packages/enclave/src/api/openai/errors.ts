import { type ErrorAction, SottoError } from '@sotto/protocol/errors'

/**
 * Codes of errors the API itself throws; engine and audio codes pass through.
 * - `API_INVALID` (fix-input): a field or the body is malformed; `param` names it.
 * - `API_UNSUPPORTED` (fix-input): a known OpenAI field this server does not offer.
 * - `API_MODEL_NOT_FOUND`, `API_ROUTE_NOT_FOUND` (fix-input).
 * - `API_TOO_LARGE` (fix-input): the body passes the route's bound. 413.
 * - `API_UPSTREAM` (retry): registry, KMS, board or room does not answer what is asked of them through here. 503.
 * - `API_ANSWER_INVALID` (retry): the model's answer is not what the schema of the request asks for, so it is none. 503.
 * - `API_BUSY` (retry): no room for another large recording whose fields come after it. 503.
 */
export type ApiErrorCode =
  | 'API_INVALID'
  | 'API_UNSUPPORTED'
  | 'API_MODEL_NOT_FOUND'
  | 'API_ROUTE_NOT_FOUND'
  | 'API_TOO_LARGE'
  | 'API_UPSTREAM'
  | 'API_ANSWER_INVALID'
  | 'API_BUSY'

const ACTIONS: Readonly<Record<ApiErrorCode, ErrorAction>> = {
  API_INVALID: 'fix-input',
  API_UNSUPPORTED: 'fix-input',
  API_MODEL_NOT_FOUND: 'fix-input',
  API_ROUTE_NOT_FOUND: 'fix-input',
  API_TOO_LARGE: 'fix-input',
  API_UPSTREAM: 'retry',
  API_ANSWER_INVALID: 'retry',
  API_BUSY: 'retry',
}

/** An API error with the OpenAI `param` it is about. */
export class ApiError extends SottoError<ApiErrorCode> {
  readonly param: string | null

  constructor(code: ApiErrorCode, message: string, param: string | null = null) {
    super(code, ACTIONS[code], message)
    this.param = param
  }
}

/** A known field with a value this server does not offer: refused, never ignored. */
export function unsupported(param: string, message: string): ApiError {
  return new ApiError('API_UNSUPPORTED', message, param)
}

const STATUS: Readonly<Record<string, number>> = {
  API_MODEL_NOT_FOUND: 404,
  API_ROUTE_NOT_FOUND: 404,
  API_TOO_LARGE: 413,
  OWNED_MODEL_UNKNOWN: 404,
  OWNED_MODEL_ENDED: 410,
  ENGINE_BUSY: 429,
  ENGINE_CANCELLED: 499,
  ENGINE_TIMEOUT: 504,
  ENGINE_SANDBOX: 503,
}

/** The OpenAI names of our codes, where clients switch on them. */
const OPENAI_CODE: Readonly<Record<string, string>> = {
  API_MODEL_NOT_FOUND: 'model_not_found',
  OWNED_MODEL_UNKNOWN: 'model_not_found',
  ENGINE_CONTEXT_OVERFLOW: 'context_length_exceeded',
}

/** Error body of the OpenAI API. */
export interface OpenAIErrorBody {
  error: { message: string; type: string; param: string | null; code: string }
}

/** Maps anything thrown to the OpenAI envelope and its status; the one place that does. */
export function openAIError(error: unknown): { status: number; body: OpenAIErrorBody } {
  if (!(error instanceof SottoError)) {
    return {
      status: 500,
      body: {
        error: {
          message: 'something went wrong inside; nothing of your request was logged',
          type: 'server_error',
          param: null,
          code: 'internal',
        },
      },
    }
  }
  const status = STATUS[error.code] ?? (error.action === 'fix-input' ? 400 : 503)
  const type =
    status === 429
      ? 'rate_limit_error'
      : error.action === 'fix-input'
        ? 'invalid_request_error'
        : 'server_error'
  const message = error.hint ? `${error.message} (${error.hint})` : error.message
  const param = error instanceof ApiError ? error.param : null
  return {
    status,
    body: { error: { message, type, param, code: OPENAI_CODE[error.code] ?? error.code.toLowerCase() } },
  }
}

/** {@link openAIError} as a response. 429 and 503 ask to come back in a second. */
export function errorResponse(error: unknown): Response {
  const { status, body } = openAIError(error)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (status === 429 || status === 503) headers['retry-after'] = '1'
  return new Response(JSON.stringify(body), { status, headers })
}
