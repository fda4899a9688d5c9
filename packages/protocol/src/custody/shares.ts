import { concat, equalBytes, fromHex, toHex } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import { pae } from '../dsse/index.ts'
import type { KemPrivateKey } from '../hpke/index.ts'
import { canonicalJson } from '../jcs/index.ts'
import type { Digest, Ed25519Key, UnixSeconds } from '../keyrelease/types.ts'
import { unwrapSecret, wrapSecret } from '../keyrelease/wrap.ts'
import { custodianKeyDigest, splitCustodianKey } from './custodian-key.ts'
import { custodyError } from './errors.ts'
import { combineShares, splitSecret, type Share } from './shamir.ts'
import {
  CUSTODY_CONTEXTS,
  type Custodian,
  type RecoveryBinding,
  type RecoverySession,
  type RecoveryShare,
  type SealedShare,
  type ShareSet,
} from './types.ts'

/** Length of every shared secret here, and so of every share. */
export const SHARED_SECRET_BYTES = 32

/** What a {@link ShareSet} is made for. */
export interface SharePlan {
  genesis: Digest
  generation: number
  rootKey: Ed25519Key
  threshold: number
  custodians: readonly Custodian[]
  now: UnixSeconds
}

/** A place among the shares of one set. */
type Place = Pick<ShareSet, 'genesis' | 'generation'> & { index: number; custodian: string }

/**
 * Splits a secret with fresh polynomials and seals each share to its custodian (T5, T15).
 * @throws `SHARE_INVALID`, `WRAP_FAILED` for a key that is no custodian's
 */
export function createShareSet(secret: Uint8Array, plan: SharePlan): ShareSet {
  const { genesis, generation, rootKey, threshold, custodians, now } = plan
  if (secret.length !== SHARED_SECRET_BYTES)
    throw custodyError('SHARE_INVALID', 'a shared secret has 32 bytes', { found: `${secret.length}` })
  const shares = splitSecret(secret, { threshold, count: custodians.length })
  try {
    return {
      version: 1,
      genesis,
      generation,
      rootKey,
      threshold,
      shares: shares.map((share, n) => sealShare(share, custodians[n]!, { genesis, generation })),
      createdAt: now,
    }
  } finally {
    for (const { value } of shares) value.fill(0)
  }
}

function sealShare(
  { index, value }: Share,
  { name, key }: Custodian,
  of: Pick<ShareSet, 'genesis' | 'generation'>,
): SealedShare {
  const { wrapKey, signingKey } = splitCustodianKey(key)
  const place = { ...of, index, custodian: name }
  return {
    custodian: name,
    key: custodianKeyDigest(key),
    signingKey,
    index,
    commitment: shareCommitment(of, { index, value }),
    ...wrapSecret(wrapKey, shareInfo(place), value),
  }
}

/**
 * Opens a custodian's own share and compares it with what the set commits to.
 * @throws `SHARE_FOREIGN`
 */
export function openShare(set: ShareSet, sealed: SealedShare, wrapKey: KemPrivateKey): Share {
  let value: Uint8Array
  try {
    const place = { genesis: set.genesis, generation: set.generation, index: sealed.index }
    value = unwrapSecret(wrapKey, shareInfo({ ...place, custodian: sealed.custodian }), sealed)
  } catch (cause) {
    throw custodyError('SHARE_FOREIGN', 'the share is sealed to another custodian', { cause })
  }
  const share = { index: sealed.index, value }
  requireCommitted(set, share)
  return share
}

/** Seals an opened share to the session of a recovering KMS, for that session only. @throws `WRAP_FAILED` */
export function resealShare(
  set: ShareSet,
  { index, value }: Share,
  session: RecoverySession,
  forgetStore: boolean,
): RecoveryShare {
  const { genesis, generation } = set
  const { nonce, recoveryKey } = session
  const named = { version: 1, genesis, generation, index, nonce, forgetStore } as const
  return { ...named, ...wrapSecret(recoveryKey, releaseInfo(named), value) }
}

/**
 * The share of a custodian's answer, proven to be the one the set commits to.
 * @throws `SHARE_FOREIGN`
 */
export function openReleasedShare(set: ShareSet, answer: RecoveryShare, session: KemPrivateKey): Share {
  const { enc, wrapped, ...named } = answer
  let value: Uint8Array
  try {
    value = unwrapSecret(session, releaseInfo(named), { enc, wrapped })
  } catch (cause) {
    throw custodyError('SHARE_FOREIGN', 'the share is sealed to another session, or its answer was changed', {
      cause,
    })
  }
  const share = { index: answer.index, value }
  requireCommitted(set, share)
  return share
}

/** The secret behind shares that the set commits to. @throws `SHARE_INVALID`, `SHARE_FOREIGN` */
export function openShareSet(set: ShareSet, shares: readonly Share[]): Uint8Array {
  for (const share of shares) requireCommitted(set, share)
  return combineShares(shares, set.threshold)
}

/** SHA-256 of a share in its place. A share has 256 random bits, so its hash says nothing about it. */
export function shareCommitment(
  { genesis, generation }: Pick<ShareSet, 'genesis' | 'generation'>,
  { index, value }: Share,
): Digest {
  const place = pae(CUSTODY_CONTEXTS.commitment, canonicalJson({ genesis, generation, index }))
  return toHex(crypto.sha256(concat(place, value)))
}

/** REPORT_DATA (64 bytes) of a recovering KMS: SHA-512 over the typed, length-delimited binding (T6). */
export function bindRecovery(binding: RecoveryBinding): Uint8Array {
  return crypto.sha512(pae(CUSTODY_CONTEXTS.binding, canonicalJson(binding)))
}

function requireCommitted(set: ShareSet, share: Share): void {
  const sealed = set.shares.find(({ index }) => index === share.index)
  const isRight = share.value.length === SHARED_SECRET_BYTES && sealed !== undefined
  if (isRight && equalBytes(fromHex(shareCommitment(set, share)), fromHex(sealed.commitment))) return
  throw custodyError('SHARE_FOREIGN', 'this is not the share the set commits to', {
    expected: `share ${share.index} of generation ${set.generation}`,
  })
}

/** HPKE info of a share in its set. */
function shareInfo({ genesis, generation, index, custodian }: Place): Uint8Array {
  return pae(CUSTODY_CONTEXTS.share, canonicalJson({ genesis, generation, index, custodian }))
}

/** HPKE info of a share on its way to a recovering KMS: all that its answer says in clear. */
function releaseInfo(named: Omit<RecoveryShare, 'enc' | 'wrapped'>): Uint8Array {
  return pae(CUSTODY_CONTEXTS.release, canonicalJson(named))
}
