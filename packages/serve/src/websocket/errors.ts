import type { SottoError } from '@sotto/protocol/errors'
import { serveError, type ServeErrorCode } from '../errors/index.ts'

/** What can be wrong with a WebSocket. */
export type WebSocketErrorCode = Extract<
  ServeErrorCode,
  'WEBSOCKET_INVALID' | 'HTTP_BODY_TOO_LARGE' | 'HTTP_BODY_CUT'
>

/** A {@link SottoError} with one of these codes; the action follows from the code. */
export function webSocketError(code: WebSocketErrorCode, message: string): SottoError {
  return serveError(code, message)
}
