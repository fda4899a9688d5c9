import { MAX_CALL_ANSWER_BYTES, MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { readBody } from '@sotto/serve/limits'
import { ApiError } from './openai/errors.ts'
import { refusal, unreachable } from './passing/refusal.ts'
import { createUpstream } from './passing/upstream.ts'

/** Where calls go on to. */
export interface ContractCallsOptions {
  /** The KMS, or the replicas of one. */
  kmsUrls: readonly string[]
  fetch?: typeof fetch
}

/**
 * `/v1/rooms/calls`: what parties of clean rooms ask the KMS, passed on for those who reach only the relay. Calls are sealed
 * to the KMS that the party's program verified: this enclave reads neither them nor what is answered. It never throws.
 */
export function createContractCalls({
  kmsUrls,
  fetch,
}: ContractCallsOptions): (request: Request) => Promise<Response> {
  const kms = createUpstream(kmsUrls, unreachable('KMS'), fetch)
  return async (request) => {
    try {
      if (request.headers.get('content-type') !== SEALED_CALL_TYPE)
        throw new ApiError('API_INVALID', `a call is ${SEALED_CALL_TYPE}`)
      const { bytes } = await kms({
        method: 'POST',
        path: '/v1/contracts',
        headers: { 'content-type': SEALED_CALL_TYPE },
        body: await readBody(request, MAX_CALL_BYTES),
        maxAnswerBytes: MAX_CALL_ANSWER_BYTES,
        signal: request.signal,
      })
      return new Response(bytes as Uint8Array<ArrayBuffer>, {
        headers: { 'content-type': SEALED_CALL_TYPE, 'cache-control': 'no-store' },
      })
    } catch (error) {
      return refusal(error)
    }
  }
}
