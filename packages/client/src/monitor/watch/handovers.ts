import { handoverReceiptDecoder } from '@sotto/protocol/handover'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { decoded, isSigned, type Judging } from './judging.ts'
import { holdAgainst } from './keys.ts'

/**
 * Who got the root secret and the live request keys (T15): from the newest boot of the KMS, to a key that no boot had
 * before, under a policy that the log holds and of a root that is in force, and never to an older release.
 */
export function judgeHandover(judging: Judging): void {
  const { state, envelope, alert } = judging
  const receipt = decoded(judging, 'HANDOVER_MALFORMED', (payload) =>
    decodeDocument(payload, handoverReceiptDecoder, 'handover'),
  )
  if (receipt === undefined) return
  const { fromKey, toKey, issuedAt } = receipt
  const by = state.certificates.findLast(({ key }) => key === fromKey)
  const isInTime = by !== undefined && by.notBefore <= issuedAt && issuedAt <= by.notAfter
  if (!isInTime || !isSigned(envelope, [fromKey]))
    return alert(
      'HANDOVER_UNCERTIFIED',
      'keys were handed over by no certified statement key, or in its name',
      'a statement key that is certified then',
      fromKey,
    )
  const mismatch = (message: string, expected?: string, found?: string): void =>
    alert('HANDOVER_MISMATCH', message, expected, found)
  const newest = state.certificates.at(-1)!.key
  if (fromKey !== newest) mismatch('a boot that was over handed keys over', newest, fromKey)
  if (state.certificates.some(({ key }) => key === toKey))
    mismatch('keys were handed over to a boot that was there before', 'a key without a certificate', toKey)
  if (!state.policies.includes(receipt.policy))
    mismatch('keys were handed over under a policy that the log does not hold', undefined, receipt.policy)
  const generation = (state.root?.sequence ?? 0) + 1
  if (receipt.generation !== generation)
    mismatch(
      'the root secret of another generation was handed over',
      `generation ${generation}`,
      `generation ${receipt.generation}`,
    )
  const hold = holdAgainst(state, issuedAt)
  if (hold !== undefined)
    alert(
      'RECEIPT_HELD',
      'keys handed over while a member holds it',
      'a decision that ends the hold',
      hold.id,
    )
}
