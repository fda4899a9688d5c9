import { SottoError } from '@sotto/protocol/errors'
import { APP_STATUSES, type AppErrorCode } from './errors.ts'

/** A refusal in the envelope of the gateway and the inner API, for a request that the app did not answer. */
export function refusal(error: unknown): Response {
  const code = error instanceof SottoError ? error.code : undefined
  const status = (code !== undefined && APP_STATUSES[code as AppErrorCode]) || 500
  const message =
    error instanceof SottoError
      ? error.message
      : 'something went wrong inside; nothing of your request was logged'
  const body = {
    error: { message, type: 'server_error', param: null, code: code?.toLowerCase() ?? 'internal' },
  }
  const response = Response.json(body, { status })
  // OpenAI SDKs repeat every 5xx of their own accord.
  if (error instanceof SottoError && error.action === 'stop') response.headers.set('x-should-retry', 'false')
  return response
}
