import { fromBase64Url, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import {
  leafHash,
  proveConsistency,
  type TileReader,
  verifyConsistency,
  verifyInclusion,
} from '@sotto/protocol/merkle'
import {
  type ClassKey,
  type LoggedIssuerKeys,
  parseDirectory,
  requireSuccessor,
  type VerifiedIssuerKeys,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import type { TrustPolicy } from '@sotto/verifier'
import { verifyUnder } from '@sotto/verifier/bundle'
import { clientError } from '../errors.ts'
import type { CheckpointMemory } from '../trust/index.ts'
import type { SeenStatement, StatementMemory } from './seen-statement.ts'

/** What an issuer's statement of keys is judged by. */
export interface IssuerTrust {
  /** Pinned Ed25519 key, base64url. */
  key: string
  policy: Pick<TrustPolicy, 'log' | 'witnesses'>
  /** The log as the session saw it: the issuer must not be in another one. */
  memory: CheckpointMemory
  /** The statement seen last, by this process or one before it. */
  statements: StatementMemory
  readTile: TileReader
}

/**
 * The keys of a directory from anybody, proven: signed by the pinned key, whole, at most two a class, following
 * the statement seen before, included in the log under key and witness quorum of the policy, and that log
 * consistent with the one this client has seen. So everybody gets the same keys, or it shows (T18). What was accepted
 * is remembered before it is used.
 * @param proven digest of a statement that this process has found in the log already
 * @throws `ISSUER_INVALID`; `BUNDLE_UNREACHABLE` when a tile of the log cannot be fetched; `STORAGE_INVALID` and errors
 * of the storage
 */
export async function verifyDirectory(
  bytes: Uint8Array,
  trust: IssuerTrust,
  proven: string | undefined,
): Promise<VerifiedIssuerKeys> {
  const seen = await trust.statements.recall()
  const verified = await verifyStatement(bytes, trust, seen, proven)
  await trust.statements.remember({ sequence: verified.statement.sequence, digest: verified.digest })
  return verified
}

async function verifyStatement(
  bytes: Uint8Array,
  trust: IssuerTrust,
  seen: SeenStatement | undefined,
  proven: string | undefined,
): Promise<VerifiedIssuerKeys> {
  try {
    const logged = parseDirectory(bytes)
    const verified = verifyIssuerKeys(logged.envelope, fromBase64Url(trust.key))
    requireSuccessor(verified, seen)
    // A process before this one may have had another policy.
    if (proven !== verified.digest) await requireLogged(logged, trust)
    return verified
  } catch (cause) {
    if (hasCode(cause, 'BUNDLE_UNREACHABLE') || hasCode(cause, 'STORAGE_INVALID')) throw cause
    const found = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    throw clientError('ISSUER_INVALID', 'the issuer shows keys that nobody may rely on', {
      cause,
      ...(found !== undefined && { found }),
    })
  }
}

async function requireLogged(logged: LoggedIssuerKeys, trust: IssuerTrust): Promise<void> {
  const tree = verifyUnder(trust.policy, logged.checkpoint)
  verifyInclusion(
    leafHash(utf8(logged.envelope)),
    logged.index,
    tree.size,
    logged.proof.map(fromHex),
    tree.root,
  )
  const seen = await trust.memory.recall()
  if (seen !== undefined) {
    const own = { size: seen.size, root: fromHex(seen.root) }
    const [older, newer] = own.size < tree.size ? [own, tree] : [tree, own]
    const proof = await proveConsistency(older.size, newer.size, trust.readTile)
    verifyConsistency(older.size, older.root, newer.size, newer.root, proof)
  }
  await trust.memory.remember({ size: tree.size, root: toHex(tree.root) })
}

/** A token must not end on its way: what ends sooner is neither bought nor spent. */
export const MARGIN_SECONDS = 60

/**
 * Shortest life of a key that tokens are bought with. A key that hardly lives is one that few meet: whoever made it for
 * one client would know its tokens again. Clients that buy ask for keys every ten minutes and meet one that lives this
 * long; no issuer gives less (`keyLifetimeSeconds` is at least 1200, and a successor is announced at most a quarter of
 * that before its use).
 */
export const MIN_KEY_SECONDS = 900

/** The newest key of a class that is in force and not too short-lived: the one everybody buys with now. */
export function currentKey(keys: readonly ClassKey[], className: string, now: number): ClassKey | undefined {
  return keys
    .filter(
      (key) =>
        key.className === className &&
        key.notBefore <= now &&
        now + MARGIN_SECONDS < key.notAfter &&
        livesLongEnough(key),
    )
    .sort((a, b) => b.notBefore - a.notBefore)[0]
}

/** Whether tokens may be bought with a key, see {@link MIN_KEY_SECONDS}. */
export function livesLongEnough({ notBefore, notAfter }: Pick<ClassKey, 'notBefore' | 'notAfter'>): boolean {
  return notAfter - notBefore >= MIN_KEY_SECONDS
}
