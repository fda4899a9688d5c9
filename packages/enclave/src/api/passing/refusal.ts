import { SottoError } from '@sotto/protocol/errors'
import { ApiError, errorResponse } from '../openai/errors.ts'
import { UpstreamRefusal } from './upstream.ts'

/** What says that registry, KMS, board or room is silent. */
export function unreachable(what: string): () => SottoError {
  return () => new ApiError('API_UPSTREAM', `the ${what} does not answer; try again`)
}

/** The envelope of all our errors, with code and action of whoever refused. */
export function refusal(error: unknown): Response {
  if (!(error instanceof SottoError)) return errorResponse(error)
  const { code, message, action } = error
  if (!(error instanceof UpstreamRefusal)) {
    const { status, headers } = errorResponse(error)
    return Response.json(envelope(code, message, action), { status, headers })
  }
  return Response.json(envelope(code, message, action), { status: error.status, headers: error.headers })
}

function envelope(code: string, message: string, action: string): object {
  return {
    error: {
      message,
      type: action === 'fix-input' ? 'invalid_request_error' : 'server_error',
      param: null,
      code,
      action,
    },
  }
}
