import { fromBase64Url } from '@sotto/protocol/bytes'
import { gatewayError } from './errors.ts'

/** Of a request that takes the place of one whose sender was told, outside the encryption, that it was not taken. */
export const REPLACES_FIELD = 'sotto-replaces'

/**
 * Lets at most one of two requests run here: the one that says so, or the one it names. Its sender cannot know which it
 * is: a refusal in clear is anybody's word on the way, and the first one may have been passed on all the same.
 *
 * @param value the field, attacker-controlled; undefined when absent
 * @param replace see `KeyRing.replace`
 * @throws `GATEWAY_REPLACED` the other one was opened here; `GATEWAY_TARGET` for a field that is none; `GATEWAY_REPLAY_FULL`
 */
export function admitReplacement(value: string | undefined, replace: (digest: Uint8Array) => boolean): void {
  if (value === undefined) return
  const digest = digestOf(value)
  if (digest === undefined) throw gatewayError('GATEWAY_TARGET', 'the request replaces something unheard of')
  if (!replace(digest))
    throw gatewayError(
      'GATEWAY_REPLACED',
      'the request that this one repeats may have been opened here: its answer was kept back on the way',
    )
}

/** SHA-256 of an encapsulated key, in base64url; undefined for anything else. */
function digestOf(text: string): Uint8Array | undefined {
  try {
    const bytes = fromBase64Url(text)
    return bytes.length === 32 ? bytes : undefined
  } catch {
    return undefined
  }
}
