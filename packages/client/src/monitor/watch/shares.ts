import { custodianKeyDigest, shareSetDecoder, type Custodian, type ShareSet } from '@sotto/protocol/custody'
import { decodeDocument, documentDigest, type Digest } from '@sotto/protocol/keyrelease'
import { decoded, digestOf, isCertified, type Judging } from './judging.ts'
import { rootKeyOf } from './root-key.ts'

/** Who can open the root secret together, in one digest: how many, and whose keys. */
function sharingDigest(threshold: number, keys: readonly Digest[]): Digest {
  return documentDigest({ threshold, keys: keys.toSorted() })
}

/** Members decided who holds shares from here on. */
export function noteSharing(
  { state }: Pick<Judging, 'state'>,
  { threshold, custodians }: { threshold: number; custodians: readonly Custodian[] },
): void {
  state.sharing = sharingDigest(
    threshold,
    custodians.map(({ key }) => custodianKeyDigest(key)),
  )
}

/**
 * Shares of the root secret (T15): one set after the other, of the root key in force or of the next one, and in the
 * hands of those who had them before or whom members decided on since. Whoever could name other custodians alone
 * could have the secret.
 */
export function judgeShareSet(judging: Judging): void {
  const { state, envelope, alert } = judging
  if (!isCertified(judging))
    return alert('SHARES_UNCERTIFIED', 'a share set that no certified statement key signed')
  const set = decoded(judging, 'SHARES_MALFORMED', (payload) =>
    decodeDocument(payload, shareSetDecoder, 'share set'),
  )
  if (set === undefined) return
  const before = state.shares
  const expected = (before?.generation ?? 0) + 1
  if (set.generation < expected)
    return alert(
      'SHARES_FORK',
      `generation ${set.generation} of shares has a second set`,
      `generation ${expected}`,
      digestOf(envelope),
    )
  if (set.generation > expected)
    alert('SHARES_GAP', 'a share set is missing', `generation ${expected}`, `generation ${set.generation}`)
  const sharing = sharingOf(set)
  const allowed = state.sharing ?? before?.sharing
  if (allowed !== undefined && sharing !== allowed)
    alert(
      'SHARES_UNDECIDED',
      'shares for custodians, or in a number, that members did not decide on',
      allowed,
      sharing,
    )
  state.shares = { generation: set.generation, rootKey: set.rootKey, sharing }
}

/** A root key came into force: where there are custodians, they can bring its secret back. */
export function judgeSharedRoot({ state, alert }: Judging): void {
  const rootKey = rootKeyOf(state)
  if (state.shares === undefined || state.shares.rootKey === rootKey) return
  alert(
    'SHARES_MISMATCH',
    'a root key is in force whose secret no custodian has a share of',
    rootKey,
    state.shares.rootKey,
  )
}

function sharingOf({ threshold, shares }: ShareSet): Digest {
  return sharingDigest(
    threshold,
    shares.map(({ key }) => key),
  )
}
