import { type ErrorAction, SottoError } from '@sotto/protocol/errors'
import { serveError, type ServeErrorCode } from './codes.ts'

/** HTTP status per error code. Codes without an entry get the status of their action. */
export type StatusByCode = Readonly<Record<string, number>>

/** A request handler, as everywhere in the house. */
export type App = (request: Request) => Response | Promise<Response>

const OWN_STATUS: Partial<Record<ServeErrorCode, number>> = {
  HTTP_NOT_FOUND: 404,
  HTTP_METHOD: 405,
  HTTP_MEDIA_TYPE: 415,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_BODY_CUT: 408,
  HTTP_TOO_MANY: 429,
  HTTP_BUSY: 503,
  INTERNAL: 500,
}

const STATUS_BY_ACTION: Readonly<Record<ErrorAction, number>> = { 'fix-input': 400, retry: 503, stop: 403 }

/** Seconds a client is asked to wait after 429 and 503. */
const RETRY_AFTER_SECONDS = 1

/** A message may name a field, and the sender chose its name. */
const MAX_MESSAGE_LENGTH = 512

/**
 * The one JSON form of an error on the wire: `{"error":{"code","message","action"}}`.
 * A {@link SottoError} shows its code, message and action (never `cause`, `expected` or `found`,
 * which may quote the input); everything else becomes `INTERNAL` without detail.
 */
export function errorResponse(error: unknown, statuses: StatusByCode = {}): Response {
  const shown =
    error instanceof SottoError
      ? error
      : serveError('INTERNAL', 'something went wrong inside; nothing about your data was logged')
  const status = statusOf(shown, statuses)
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (status === 429 || status === 503) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  const body = JSON.stringify({
    error: { code: shown.code, message: shown.message.slice(0, MAX_MESSAGE_LENGTH), action: shown.action },
  })
  return new Response(body, { status, headers })
}

function statusOf(error: SottoError, statuses: StatusByCode): number {
  if (Object.hasOwn(statuses, error.code)) return statuses[error.code]!
  // `hasOwn`, because a code is looked up as a property name and `toString` would be found.
  if (Object.hasOwn(OWN_STATUS, error.code)) return OWN_STATUS[error.code as ServeErrorCode]!
  return STATUS_BY_ACTION[error.action]
}

/** What {@link mapErrors} needs besides the app. */
export interface MapErrorsOptions {
  statuses?: StatusByCode
  /** Told once per failed request; log the code, never the error itself. */
  onError?: (code: string, status: number) => void
}

/** Wraps an app so that whatever it throws becomes {@link errorResponse}. The only catch-all there is. */
export function mapErrors(app: App, options: MapErrorsOptions = {}): (request: Request) => Promise<Response> {
  return async function mappedApp(request: Request): Promise<Response> {
    try {
      return await app(request)
    } catch (error) {
      const response = errorResponse(error, options.statuses)
      options.onError?.(error instanceof SottoError ? error.code : 'INTERNAL', response.status)
      return response
    }
  }
}
