import { fromBase64Url, fromUtf8, toHex } from '@sotto/protocol/bytes'
import type { Ed25519Key } from '@sotto/protocol/keyrelease'
import {
  type ClassKey,
  MAX_LIVE_KEYS,
  NO_PREVIOUS_ISSUER_KEYS,
  type VerifiedIssuerKeys,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import { isSigned, type Judging } from './judging.ts'
import { keep, type KnownIssuer, type KnownTokenKey, MAX_TOKEN_KEYS } from './state.ts'

/** How long before an issuer starts its first key begins, for clocks that are behind; that much is no overlap. */
const SKEW_SECONDS = 300

/**
 * The token keys of a watched issuer (T18, as T3): one chain of statements, and never more than two keys of a class at
 * a time. Clients see one statement each; an issuer with many live keys could give every one of them a key of its own
 * and know it again by its tokens.
 */
export function judgeIssuerKeys(judging: Judging): void {
  for (const key of judging.expect.issuerKeys ?? [])
    if (isSigned(judging.envelope, [key])) judge(judging, key)
}

function judge({ state, entry, alert }: Judging, issuerKey: Ed25519Key): void {
  let verified: VerifiedIssuerKeys
  try {
    verified = verifyIssuerKeys(fromUtf8(entry), fromBase64Url(issuerKey))
  } catch (error) {
    return alert('ISSUER_KEYS_MALFORMED', `an issuer’s statement is malformed: ${(error as Error).message}`)
  }
  let issuer = state.issuers.find(({ key }) => key === issuerKey)
  if (issuer === undefined) {
    issuer = { key: issuerKey, sequence: 0, digest: NO_PREVIOUS_ISSUER_KEYS, keys: [] }
    keep(state, 'issuers', issuer)
  }
  const { sequence, previous } = verified.statement
  const expected = issuer.sequence + 1
  if (sequence < expected)
    alert(
      'ISSUER_KEYS_FORK',
      `statement ${sequence} of token keys has a second version`,
      `statement ${expected}`,
      verified.digest,
    )
  else if (sequence > expected)
    alert(
      'ISSUER_KEYS_GAP',
      'a statement of token keys is missing',
      `statement ${expected}`,
      `statement ${sequence}`,
    )
  else if (previous !== issuer.digest)
    alert(
      'ISSUER_KEYS_FORK',
      `statement ${sequence} of token keys names another one before it`,
      issuer.digest,
      previous,
    )
  if (sequence >= expected) Object.assign(issuer, { sequence, digest: verified.digest })
  // Whatever stands in a signed and logged statement, somebody may have been shown it.
  for (const one of verified.keys) judgeKey(issuer, one, alert)
}

function judgeKey(
  issuer: KnownIssuer,
  { className, key, notBefore, notAfter }: ClassKey,
  alert: Judging['alert'],
): void {
  const one: KnownTokenKey = { id: toHex(key.id), class: className, notBefore, notAfter }
  const known = issuer.keys.find(({ id }) => id === one.id)
  if (known !== undefined) {
    if (known.class === one.class && known.notBefore === notBefore && known.notAfter === notAfter) return
    // Spent tokens are forgotten when a key ends: prolonged, they could be spent again.
    return alert(
      'ISSUER_KEYS_FORK',
      'a token key came back with other dates or of another class',
      undefined,
      one.id,
    )
  }
  issuer.keys.push(one)
  if (issuer.keys.length > MAX_TOKEN_KEYS) issuer.keys.shift()
  const same = issuer.keys.filter((other) => other.class === className)
  // At the instants of its life at which a key begins, its own first one among them.
  const most = Math.max(
    ...same
      .filter(({ notBefore: at }) => livesAt(one, at))
      .map(({ notBefore: at }) => same.filter((other) => livesAt(other, at)).length),
  )
  if (most > MAX_LIVE_KEYS)
    alert(
      'ISSUER_KEYS_TOO_MANY',
      `too many token keys of class ${className} live at a time`,
      `at most ${MAX_LIVE_KEYS}`,
      `${most}`,
    )
}

function livesAt({ notBefore, notAfter }: KnownTokenKey, at: number): boolean {
  // Of a life of a few minutes it would be all.
  return notBefore <= at && at + Math.min(SKEW_SECONDS, (notAfter - notBefore) / 2) < notAfter
}
