import { decodeDocument, type Ed25519Key } from '@sotto/protocol/keyrelease'
import { spendRosterDecoder } from '@sotto/protocol/spending'
import { decoded, isCertified, type Judging } from './judging.ts'
import { MAX_CONTEXTS, MAX_RECEIPT_KEYS } from './state.ts'

/** A receipt key that a release certified: its gateway may be told which tokens were spent. */
export function noteReceiptKey({ state }: Pick<Judging, 'state'>, key: Ed25519Key): void {
  const others = (state.receiptKeys ?? []).filter((known) => known !== key)
  state.receiptKeys = [...others, key].slice(-MAX_RECEIPT_KEYS)
}

/**
 * Which gateways are told of spent tokens (T12): only those that the KMS released keys to, and of one context the set
 * never holds less than it did before. A set that forgot something would let tokens in again.
 */
export function judgeRoster(judging: Judging): void {
  const { state, alert } = judging
  if (!isCertified(judging))
    return alert('ROSTER_UNCERTIFIED', 'a spend roster that no certified statement key signed')
  const roster = decoded(judging, 'ROSTER_MALFORMED', (payload) =>
    decodeDocument(payload, spendRosterDecoder, 'roster'),
  )
  if (roster === undefined) return
  const { context, sequence, gateways } = roster
  const unknown = gateways.filter((key) => !(state.receiptKeys ?? []).includes(key))
  if (unknown.length > 0)
    alert(
      'ROSTER_MISMATCH',
      'a gateway spends tokens that no keys were released to',
      'receipt keys of logged releases',
      unknown[0],
    )
  const before = state.roster
  if (before?.context === context && sequence < before.sequence)
    alert(
      'ROSTER_MISMATCH',
      'the set of spent tokens holds less than it did before',
      `at least ${before.sequence} requests`,
      `${sequence}`,
    )
  if ((state.contexts ?? []).includes(context) && before?.context !== context)
    alert('ROSTER_MISMATCH', 'a context of spent tokens that was over came back', 'a new one', context)
  if (before !== undefined && before.context !== context)
    state.contexts = [...(state.contexts ?? []), before.context].slice(-MAX_CONTEXTS)
  state.roster = { context, sequence }
}
