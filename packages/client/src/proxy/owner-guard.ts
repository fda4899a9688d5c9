import { timingSafeEqual } from 'node:crypto'
import { clientError } from '../errors.ts'
import type { ModelOwner } from '../models/index.ts'
import { envelope } from './errors.ts'
import { bearerOf, hashSecret } from './guard.ts'

/** For whom a proxy seals, signs and removes. */
export interface ProxyOwner {
  owner: ModelOwner
  /**
   * What a program presents as `Authorization: Bearer …` to act for the owner, 32 characters at least, of a random
   * source: whoever has it publishes and removes models of the owner through this proxy. Every program of this machine
   * reaches a port on it; not every one may do that.
   */
  secret: string
}

/** As many as 24 random bytes have in base64url. */
const MIN_SECRET_CHARACTERS = 32

/** Names of this machine in `Host`. Whatever else a proxy answers to, an owner is on it. */
export const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** SHA-256 of the secret. @throws `PROXY_CONFIG` one that could be guessed */
export function ownerSecret({ secret }: ProxyOwner): Uint8Array {
  if (secret.length >= MIN_SECRET_CHARACTERS) return hashSecret(secret)
  throw clientError('PROXY_CONFIG', 'the secret of an owner is too short', {
    expected: `at least ${MIN_SECRET_CHARACTERS} characters`,
  })
}

/**
 * The refusal of a request that would act with an owner's key, or undefined when it may. No web page may, whichever
 * origins may use the proxy otherwise: what a page is made to do is not its user's will.
 *
 * @param secret SHA-256 of the owner's secret
 */
export function refuseOwnersAct(secret: Uint8Array, request: Request): Response | undefined {
  const { headers } = request
  if (!LOOPBACK_NAMES.has(new URL(request.url).hostname))
    return refused(403, 'sotto_host_refused', 'an owner acts on this machine only, under a name of it')
  if (headers.has('origin') || headers.has('sec-fetch-site'))
    return refused(403, 'sotto_origin_refused', 'no web page acts for an owner')
  if (timingSafeEqual(hashSecret(bearerOf(request)), secret)) return undefined
  return refused(401, 'sotto_owner_secret', "acting for the owner takes the secret of this proxy's owner")
}

function refused(status: number, code: string, message: string): Response {
  return envelope(status, code, message, 'fix-input')
}
