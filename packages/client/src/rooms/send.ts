import { MAX_CALL_ANSWER_BYTES } from '@sotto/protocol/contract'
import { SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { readBounded } from '../streams.ts'
import { INNER_ORIGIN } from '../transport/index.ts'
import type { ContractsOptions } from './contracts.ts'
import { roomRefusal } from './refusal.ts'

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
    const bytes = await readBounded(
      response.body as ReadableStream<Uint8Array> | null,
      MAX_CALL_ANSWER_BYTES + SEALED_CALL_OVERHEAD_BYTES,
    )
    if (response.ok && bytes !== undefined) return bytes
    throw roomRefusal('service', bytes, response.status)
  }
}
