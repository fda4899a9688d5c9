import { crypto } from '@sotto/protocol/crypto-backend'
import {
  DIRECTORY_PATH,
  encodeBatchResponse,
  encodeTokenRequest,
  MAX_TOKEN_MESSAGE_BYTES,
  parseBatchRequest,
  parseTokenRequest,
  TOKEN_MEDIA_TYPE,
  TOKEN_REQUEST_PATH,
  type TokenRequest,
  isBelowModulus,
} from '@sotto/protocol/tokens'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { createRateLimiter, type RateLimiter, readBody } from '@sotto/serve/limits'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import { apiKeyOf } from './api-keys.ts'
import type { Accounts } from './accounts.ts'
import type { Charges } from './charges.ts'
import type { KeyBook } from './key-book.ts'

/** What the issuer's public interface is made of. */
export interface IssuerAppOptions {
  keys: Pick<KeyBook, 'directory' | 'find'>
  accounts: Pick<Accounts, 'authenticate'>
  charges: Pick<Charges, 'charge'>
  /** Told per refused request: the code alone. */
  onError?: (code: string) => void
}

/** Requests of one account that cost it nothing, because they were charged before: a few at a time, then one a second. */
const FREE_BATCHES = { capacity: 16, perSecond: 1 }

/** `GET /.well-known/private-token-issuer-directory` and `POST /token-request` (RFC 9578). */
export function createIssuerApp(options: IssuerAppOptions): App {
  const { keys, accounts } = options
  const free = new Map<string, RateLimiter>()
  const app = new Hono()
  app.get(DIRECTORY_PATH, () => {
    const { directory } = keys
    if (directory === undefined) throw edgeError('ISSUER_NOT_READY', 'the token keys are not in the log yet')
    const headers = { 'content-type': TOKEN_MEDIA_TYPE.directory, 'cache-control': 'no-cache' }
    return new Response(directory as Uint8Array<ArrayBuffer>, { headers })
  })
  app.post(TOKEN_REQUEST_PATH, async (c) => {
    const account = accounts.authenticate(apiKeyOf(c.req.raw))
    const contentType = c.req.raw.headers.get('content-type')
    const isBatch = contentType === TOKEN_MEDIA_TYPE.batchRequest
    if (!isBatch && contentType !== TOKEN_MEDIA_TYPE.request)
      throw serveError('HTTP_MEDIA_TYPE', 'only token requests are taken here')
    const body = await readBody(c.req.raw, MAX_TOKEN_MESSAGE_BYTES)
    const signatures = issue(options, free, account, parse(body, isBatch))
    const bytes = isBatch ? encodeBatchResponse(signatures) : signatures[0]!
    const type = isBatch ? TOKEN_MEDIA_TYPE.batchResponse : TOKEN_MEDIA_TYPE.response
    return new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': type, 'cache-control': 'no-store' },
    })
  })
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the issuer has no such route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: EDGE_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}

/** Charges first and durably, then signs: a process killed in between owes an answer, which the same request fetches. */
function issue(
  { keys, charges }: IssuerAppOptions,
  free: Map<string, RateLimiter>,
  account: string,
  requests: readonly TokenRequest[],
): Uint8Array[] {
  const signing = keys.find(requests[0]!.truncatedKeyId)
  for (const { truncatedKeyId, blindedMessage } of requests) {
    if (truncatedKeyId !== signing.truncatedId)
      throw edgeError('ISSUER_REQUEST', 'the requests of a batch are for one key')
    // Before the charge: nobody pays for what cannot be signed.
    if (!isBelowModulus(blindedMessage, signing.key.modulus))
      throw edgeError('ISSUER_REQUEST', 'a blinded message is no number below the modulus')
  }
  const charged = charges.charge({
    account,
    className: signing.className,
    keyId: signing.key.id,
    requests: requests.map((request) => crypto.sha256(encodeTokenRequest(request))),
  })
  // Signing is what the issuer's processor does: nobody gets it without end for one token.
  if (charged < requests.length) {
    const limit = free.get(account) ?? createRateLimiter(FREE_BATCHES)
    free.set(account, limit)
    limit.take()
  }
  return requests.map(({ blindedMessage }) => signing.sign(blindedMessage))
}

function parse(body: Uint8Array, isBatch: boolean): TokenRequest[] {
  try {
    return isBatch ? parseBatchRequest(body) : [parseTokenRequest(body)]
  } catch (cause) {
    throw edgeError('ISSUER_REQUEST', 'this is no request of token type 2', { cause })
  }
}
