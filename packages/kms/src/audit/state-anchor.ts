import type { StateAnchor } from '@sotto/protocol/state-anchor'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'

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
