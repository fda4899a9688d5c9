import { MAX_CALL_ANSWER_BYTES } from '@sotto/protocol/contract'
import { SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { clientError } from '../errors.ts'
import { serviceErrorIn } from '../service-error.ts'
import { readBounded } from '../streams.ts'
import { INNER_ORIGIN } from '../transport/index.ts'
import type { ContractsOptions } from './contracts.ts'

/**
 * Passes sealed calls to the KMS by way of the service, through a verified `fetch`.
 * @returns what throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE` with the service's own code
 */
export function callSender(fetch: typeof globalThis.fetch): ContractsOptions['send'] {
  return async (sealed, signal) => {
    const response = await fetch(`${INNER_ORIGIN}/v1/rooms/calls`, {
      method: 'POST',
      headers: { 'content-type': SEALED_CALL_TYPE },
      body: sealed as Uint8Array<ArrayBuffer>,
      ...(signal && { signal }),
    })
    const bytes = await readBounded(response.body as ReadableStream<Uint8Array> | null, MAX_CALL_ANSWER_BYTES)
    if (response.ok && bytes !== undefined) return bytes
    const { code, message, action } = serviceErrorIn(bytes)
    const isRetry = action === 'retry' || response.status >= 500 || response.status === 429
    throw clientError(
      isRetry ? 'ROOM_UNAVAILABLE' : 'ROOM_REFUSED',
      `the service answered: ${message ?? `status ${response.status}`}`,
      { found: code ?? `status ${response.status}` },
    )
  }
}
