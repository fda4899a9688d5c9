import { type ErrorAction, SottoError } from '@sotto/protocol/errors'

/** Status by action: what was wrong here, there for now, or must not be trusted. */
const STATUS: Readonly<Record<ErrorAction, number>> = { 'fix-input': 400, retry: 503, stop: 502 }

/** Statuses that SDKs and people know better than that of the action. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = { REQUEST_TOO_LARGE: 413 }

/** An error as OpenAI SDKs read it, in answers and in events. */
export interface ErrorBody {
  error: { message: string; type: string; param: null; code: string; action: ErrorAction }
}

/** Our errors in the envelope every OpenAI SDK understands: `code` is `sotto_` and the code in lower case. */
export function errorBody(error: unknown): ErrorBody {
  if (!(error instanceof SottoError)) return bodyOf(500, 'sotto_internal', 'the proxy failed', 'retry')
  const message = error.hint === undefined ? error.message : `${error.message} (${error.hint})`
  return bodyOf(statusOf(error), `sotto_${error.code.toLowerCase()}`, message, error.action)
}

/** {@link errorBody} as an answer. */
export function errorResponse(error: unknown): Response {
  return respond(error instanceof SottoError ? statusOf(error) : 500, errorBody(error), true)
}

/** Why an answer is none of the service. */
export interface Problem {
  /** As the answer says it. */
  code: string
  /** Whether something behind the proxy failed; else the proxy itself refused. */
  isUpstream: boolean
}

const problems = new WeakMap<Response, Problem>()

/** Why this answer is none of the service; undefined for those that are. */
export function problemOf(response: Response): Problem | undefined {
  return problems.get(response)
}

function statusOf({ code, action }: SottoError): number {
  return Object.hasOwn(STATUS_OF_CODE, code) ? STATUS_OF_CODE[code]! : STATUS[action]
}

/** An error of the proxy itself in the OpenAI envelope. */
export function envelope(status: number, code: string, message: string, action: ErrorAction): Response {
  return respond(status, bodyOf(status, code, message, action), false)
}

/** The same problem in another answer. */
export function withProblemOf(from: Response, to: Response): Response {
  const problem = problems.get(from)
  if (problem !== undefined) problems.set(to, problem)
  return to
}

/** {@link envelope} of what is worth another try after so many whole seconds. */
export function comeBackLater(status: number, code: string, message: string, seconds: number): Response {
  const response = envelope(status, code, message, 'retry')
  response.headers.set('retry-after', String(seconds))
  return response
}

function bodyOf(status: number, code: string, message: string, action: ErrorAction): ErrorBody {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: null, code, action } }
}

function respond(status: number, body: ErrorBody, isUpstream: boolean): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  // OpenAI SDKs repeat every 5xx; a refusal must reach the person instead.
  if (body.error.action === 'stop') headers['x-should-retry'] = 'false'
  const response = new Response(JSON.stringify(body), { status, headers })
  problems.set(response, { code: body.error.code, isUpstream })
  return response
}
