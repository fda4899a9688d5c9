import type { SottoError } from '@sotto/protocol/errors'
import { clientError } from '../errors.ts'
import { isPassing, serviceErrorIn } from '../service-error.ts'

/**
 * What a party is told where somebody says no: in their words, bounded, with their own code as what was found.
 * @param status of HTTP; undefined for an answer inside a seal, which has none
 * @returns `ROOM_UNAVAILABLE` where the same may work in a moment, else `ROOM_REFUSED`
 */
export function roomRefusal(
  who: 'board' | 'KMS' | 'room' | 'service',
  bytes: Uint8Array | undefined,
  status?: number,
): SottoError {
  const said = serviceErrorIn(bytes)
  const otherwise = status === undefined ? 'no' : `status ${status}`
  return clientError(
    isPassing(said, status) ? 'ROOM_UNAVAILABLE' : 'ROOM_REFUSED',
    `the ${who} answered: ${said.message ?? otherwise}`,
    { found: said.code ?? otherwise },
  )
}
