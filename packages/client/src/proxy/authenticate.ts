import { timingSafeEqual } from 'node:crypto'
import { envelope } from './errors.ts'
import { hashSecret, presentedSecret } from './guard.ts'
import type { ProxyUser, UserIndex, UserLimits } from './users.ts'

/** Who asks. */
export interface Caller {
  /** Name of the user; undefined where a proxy does not tell users apart. */
  user: string | undefined
  limits: UserLimits
}

/** What TLS says of the other side. */
export interface Peer {
  /** Names of its verified certificate, most telling first; none without one. */
  readonly names: readonly string[]
}

/** A connection that says nothing of itself. */
export const NO_PEER: Peer = { names: [] }

/** Tells who asks, or refuses. */
export type Authenticate = (request: Request, peer: Peer) => Caller | Response

/** Whoever reaches a proxy that asks for nothing. */
export const ANYBODY: Caller = { user: undefined, limits: {} }

/** Lets in whoever has one of these secrets (SHA-256 of each); everybody is the same. */
export function bySecrets(secrets: readonly Uint8Array[]): Authenticate {
  return (request) => {
    const presented = hashSecret(presentedSecret(request))
    // All of them are compared, so that time does not say which one it was.
    const isKnown = secrets.map((secret) => timingSafeEqual(presented, secret)).includes(true)
    return isKnown ? ANYBODY : unauthorized('this proxy requires its local secret as API key')
  }
}

/** Lets in users by their key. `users` is asked at every request: a change is in force at once. */
export function byKeys(users: () => UserIndex): Authenticate {
  return (request) => {
    const user = users().byKey(presentedSecret(request))
    return user === undefined ? unauthorized('this proxy requires an API key of a user') : callerOf(user)
  }
}

/**
 * Lets in whoever a verified client certificate names; a key is not asked for. With `users` only those who stand there:
 * of several names in a certificate exactly one has to be a user's.
 */
export function byCertificates(users: (() => UserIndex) | undefined): Authenticate {
  return (_request, { names }) => {
    if (users === undefined) {
      const [name] = names
      return name === undefined ? unknownCertificate() : { user: name, limits: {} }
    }
    const index = users()
    const found = names.map((name) => index.byName(name)).filter((user) => user !== undefined)
    return found.length === 1 ? callerOf(found[0]!) : unknownCertificate()
  }
}

function callerOf({ name, limits = {}, disabled = false }: ProxyUser): Caller | Response {
  if (!disabled) return { user: name, limits }
  // Only who is that user sees this.
  return envelope(403, 'sotto_user_disabled', 'this user is disabled', 'fix-input')
}

function unauthorized(message: string): Response {
  return envelope(401, 'invalid_api_key', message, 'fix-input')
}

function unknownCertificate(): Response {
  return envelope(403, 'sotto_user_unknown', 'this certificate names no user of this proxy', 'fix-input')
}
