import { fromBase64Url } from '@sotto/protocol/bytes'
import {
  decodeDocument,
  documentDigest,
  FIRST_EPOCH,
  keySetDecoder,
  MAX_GRACE_SECONDS,
  MAX_KEY_LIFETIME_SECONDS,
  NO_PREVIOUS_KEY_SET,
  releaseReceiptDecoder,
  type KeySet,
  type ReleaseReceipt,
} from '@sotto/protocol/keyrelease'
import type { Decoder, JsonValue } from '@sotto/protocol/jcs'
import { memberOf } from './document.ts'
import { inForceOf } from './governance.ts'
import { decoded, digestOf, isCertified, type Judging } from './judging.ts'
import { noteReceiptKey } from './rosters.ts'
import { keep, type KnownHold, type WatchState } from './state.ts'

/** Releases that were under way when a hold came, and clocks that differ. */
const HOLD_SECONDS = 300

/** A whole set of request keys: one for each epoch, linked to the one before (T3). */
export function judgeKeySet(judging: Judging): void {
  const { state, envelope, index, alert } = judging
  const issuedAt = numberIn(envelope.payload, 'issuedAt')
  if (!isCertified(judging, issuedAt))
    return alert('KEY_SET_UNCERTIFIED', 'a key set that no certified statement key signed')
  const tooLong = longestLife(envelope.payload)
  if (tooLong > MAX_KEY_LIFETIME_SECONDS)
    return alert(
      'KEY_LIFETIME',
      'a request key lives longer than a day',
      `${MAX_KEY_LIFETIME_SECONDS} s`,
      `${tooLong} s`,
    )
  const set = decoded(judging, 'KEY_SET_MALFORMED', (payload) =>
    decodeDocument(payload, keySetDecoder, 'key set'),
  )
  if (set === undefined) return
  const digest = digestOf(envelope)
  const current = state.epochs.at(-1)
  if (current !== undefined && set.epoch <= current.epoch) {
    const first = state.epochs.find(({ epoch }) => epoch === set.epoch)
    return alert(
      'KEY_SET_DUPLICATE',
      `epoch ${set.epoch} has a second key set`,
      first === undefined ? `epoch ${current.epoch + 1}` : `${first.digest} of entry ${first.index}`,
      digest,
    )
  }
  const expected = current === undefined ? FIRST_EPOCH : current.epoch + 1
  if (set.epoch !== expected)
    alert('KEY_SET_GAP', 'an epoch without a key set', `epoch ${expected}`, `epoch ${set.epoch}`)
  else if (set.previous !== (current?.digest ?? NO_PREVIOUS_KEY_SET))
    alert('KEY_SET_LINK', `epoch ${set.epoch} names another set before it`, current?.digest, set.previous)
  const constitution = inForceOf(state)?.digest
  if (set.constitution !== constitution)
    alert(
      'KEY_SET_CONSTITUTION',
      'a key set under another constitution than the one in force',
      constitution,
      set.constitution,
    )
  judgeKeys(judging, set)
  keep(state, 'epochs', { epoch: set.epoch, digest, index })
}

/** A key keeps its dates however often it is published, and leaves the set when its grace is over. */
function judgeKeys({ state, alert }: Judging, { keys, issuedAt }: KeySet): void {
  for (const policy of new Set(keys.map((key) => key.policy)))
    if (!state.policies.includes(policy))
      alert('KEY_SET_POLICY', 'keys under a policy that the log does not hold', undefined, policy)
  for (const { keyId, config, notBefore, notAfter } of keys) {
    const name = documentDigest(fromBase64Url(config))
    const known = state.keys.find((key) => key.config === name)
    if (known === undefined) keep(state, 'keys', { config: name, notBefore })
    const lives = notAfter - (known?.notBefore ?? notBefore)
    if (lives > MAX_KEY_LIFETIME_SECONDS)
      alert(
        'KEY_LIFETIME',
        `key ${keyId} was prolonged beyond a day`,
        `${MAX_KEY_LIFETIME_SECONDS} s`,
        `${lives} s`,
      )
    if (issuedAt > notAfter + MAX_GRACE_SECONDS)
      alert(
        'KEY_LIFETIME',
        `key ${keyId} is published after its grace`,
        `at most ${MAX_GRACE_SECONDS} s after its end`,
        `${issuedAt - notAfter} s`,
      )
  }
}

/** A member's hold that was in force when something was released at this time. */
export function holdAgainst({ holds }: WatchState, issuedAt: number): KnownHold | undefined {
  return holds.find(({ createdAt }) => issuedAt > createdAt + HOLD_SECONDS)
}

/** Which machine got keys: by the KMS, of an epoch and under a policy that the log holds. */
export function judgeReceipt(
  judging: Judging,
  decoder: Decoder<
    Pick<ReleaseReceipt, 'epoch' | 'policy' | 'issuedAt'> & Partial<Pick<ReleaseReceipt, 'receiptKey'>>
  > = releaseReceiptDecoder,
): void {
  const { state, envelope, alert } = judging
  if (!isCertified(judging, numberIn(envelope.payload, 'issuedAt')))
    return alert('RECEIPT_UNCERTIFIED', 'a release receipt that no certified statement key signed')
  const receipt = decoded(judging, 'RECEIPT_MALFORMED', (payload) =>
    decodeDocument(payload, decoder, 'receipt'),
  )
  if (receipt === undefined) return
  if (receipt.receiptKey !== undefined) noteReceiptKey(judging, receipt.receiptKey)
  const newest = state.epochs.at(-1)?.epoch ?? 0
  if (receipt.epoch > newest)
    alert(
      'RECEIPT_MISMATCH',
      'keys of an epoch that the log does not hold',
      `epoch ${newest}`,
      `epoch ${receipt.epoch}`,
    )
  // A release hands out the current set; the next one may have been logged while it was under way.
  if (receipt.epoch < newest - 1)
    alert(
      'RECEIPT_MISMATCH',
      'keys of an epoch that is over: they were to be destroyed',
      `epoch ${newest}`,
      `epoch ${receipt.epoch}`,
    )
  const hold = holdAgainst(state, receipt.issuedAt)
  if (hold !== undefined)
    alert('RECEIPT_HELD', 'keys released while a member holds it', 'a decision that ends the hold', hold.id)
  if (!state.policies.includes(receipt.policy))
    alert(
      'RECEIPT_MISMATCH',
      'keys released under a policy that the log does not hold',
      undefined,
      receipt.policy,
    )
}

/**
 * The longest life of a key of a set, in seconds, whatever else is wrong with it: a decoder would only say that it
 * is malformed.
 */
function longestLife(payload: Uint8Array): number {
  const keys = memberOf(payload, 'keys')
  if (!Array.isArray(keys)) return 0
  const lives = (keys as readonly JsonValue[]).map((key) => {
    const { notBefore, notAfter } = Object(key) as { notBefore?: unknown; notAfter?: unknown }
    return typeof notBefore === 'number' && typeof notAfter === 'number' ? notAfter - notBefore : 0
  })
  return Math.max(0, ...lives)
}

function numberIn(payload: Uint8Array, name: string): number {
  const value = memberOf(payload, name)
  return typeof value === 'number' ? value : Number.NaN
}
