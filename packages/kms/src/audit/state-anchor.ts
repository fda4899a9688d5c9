import { hex, integer, literal, object } from '@sotto/protocol/jcs'
import type { Digest } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'

/** DSSE payload type of a state anchor. */
export const STATE_ANCHOR_TYPE = 'application/vnd.sotto.state-anchor+json'

/**
 * "The durable state of this KMS is at least here": logged, signed with the statement key, before a change is
 * acknowledged that the log would not show otherwise, such as an owner's import of a content key (T11).
 */
export interface StateAnchor {
  version: 1
  genesis: Digest
  /** One more than the anchor before; the first is 1. */
  sequence: number
  /** Salted digest of the state; the salt is known to the KMS alone. */
  digest: Digest
}

/** Decodes a {@link StateAnchor}. @throws `JCS_FIELD` */
export const stateAnchorDecoder: (value: unknown, path: string) => StateAnchor = object({
  version: literal(1),
  genesis: hex(32),
  sequence: integer(1),
  digest: hex(32),
})

/**
 * Compares an anchor the log holds with the state of the store.
 * @throws `KMS_STATE_ROLLED_BACK` when the store is older than the anchor, or has another history
 */
export function requireAnchored(state: KmsState, logged: StateAnchor): void {
  const own = state.anchor
  const isKnown = own !== undefined && own.sequence === logged.sequence && own.digest === logged.digest
  if (isKnown || (own !== undefined && own.sequence > logged.sequence)) return
  throw kmsError('KMS_STATE_ROLLED_BACK', 'the log knows a later state than the store', {
    expected: `state ${logged.sequence}`,
    found: `state ${own?.sequence ?? 0}`,
    hint: 'Restore the newest copy of the store. Custodians, where there are some, can agree to begin with an empty one.',
  })
}
