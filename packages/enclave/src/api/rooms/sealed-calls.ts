import { SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { createConcurrencyLimiter, readPaced } from '@sotto/serve/limits'
import { ApiError } from '../openai/errors.ts'
import type { Upstream } from '../passing/upstream.ts'

/** Where sealed calls go, and how long they and their answers may be. */
export interface SealedCallsOptions {
  upstream: Upstream
  path: string
  maxCallBytes: number
  maxAnswerBytes: number
}

/** Calls in memory at once on their way there and back, some 15 MiB each at most, and how many wait. */
const CALLS_AT_ONCE = { running: 16, waiting: 128 }

/**
 * Passes sealed calls on. They are sealed to a key that the party's program verified: this enclave reads neither them nor
 * what is answered. A call holds a place while it comes and is answered, and so has to come at a pace.
 * @throws `API_INVALID`, `API_UPSTREAM`, `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`, `HTTP_BUSY`, and what whoever is asked
 * refuses with
 */
export function createSealedCalls(options: SealedCallsOptions): (request: Request) => Promise<Response> {
  const { upstream, path, maxCallBytes, maxAnswerBytes } = options
  const calls = createConcurrencyLimiter(CALLS_AT_ONCE)
  return async (request) => {
    if (request.headers.get('content-type') !== SEALED_CALL_TYPE)
      throw new ApiError('API_INVALID', `a call is ${SEALED_CALL_TYPE}`)
    const { bytes } = await calls.run(async () =>
      upstream({
        method: 'POST',
        path,
        headers: { 'content-type': SEALED_CALL_TYPE },
        body: await readPaced(request, maxCallBytes),
        maxAnswerBytes,
        signal: request.signal,
      }),
    )
    return new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': SEALED_CALL_TYPE, 'cache-control': 'no-store' },
    })
  }
}
