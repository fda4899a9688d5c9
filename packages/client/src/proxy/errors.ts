import { type ErrorAction, SottoError } from '@sotto/protocol/errors'

/** Status by action: what was wrong here, there for now, or must not be trusted. */
const STATUS: Readonly<Record<ErrorAction, number>> = { 'fix-input': 400, retry: 503, stop: 502 }

/** Our errors in the envelope every OpenAI SDK understands: `code` is `sotto_` and the code in lower case. */
export function errorResponse(error: unknown): Response {
  if (!(error instanceof SottoError)) return envelope(500, 'sotto_internal', 'the proxy failed', 'retry')
  const message = error.hint === undefined ? error.message : `${error.message} (${error.hint})`
  return envelope(STATUS[error.action], `sotto_${error.code.toLowerCase()}`, message, error.action)
}

/** An error in the OpenAI envelope. */
export function envelope(status: number, code: string, message: string, action: ErrorAction): Response {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  // OpenAI SDKs repeat every 5xx; a refusal must reach the person instead.
  if (action === 'stop') headers['x-should-retry'] = 'false'
  return new Response(JSON.stringify({ error: { message, type, param: null, code, action } }), {
    status,
    headers,
  })
}
