import { clientError } from '../errors.ts'
import { prepareBody, type RequestBody } from './request-body.ts'
import { allowedHeaders } from './request-headers.ts'

/** Where every inner request goes. No such host exists: an unverified client that sends there sends nowhere. */
export const INNER_ORIGIN = 'https://inference.sotto'

/**
 * Where requests to the app go that an enclave runs beside its models. No such host exists either. An enclave that runs
 * none refuses them inside the encryption.
 */
export const APP_ORIGIN = 'https://app.sotto'

/** Where inside the enclave a request goes: to its models, or to its app. */
export type InnerAuthority = 'inference.sotto' | 'app.sotto'

const AUTHORITIES: ReadonlyMap<string, InnerAuthority> = new Map([
  [INNER_ORIGIN, 'inference.sotto'],
  [APP_ORIGIN, 'app.sotto'],
])

/** A request as it travels inside the encryption. */
export interface InnerRequest {
  method: string
  authority: InnerAuthority
  /** Path and query. */
  path: string
  /** Allow-listed fields, lower case, sorted. */
  headers: [name: string, value: string][]
  body: RequestBody
  signal: AbortSignal | undefined
  /** The body is sent as it is produced, each part at once, and cannot be sent again. */
  isLive: boolean
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Longest path with query, in characters. */
const MAX_PATH_LENGTH = 4096

/**
 * Reads the arguments of `fetch`.
 * @throws `REQUEST_ORIGIN` a URL of another origin; `REQUEST_INVALID` method, path or body that cannot be sent
 */
export async function prepareRequest(
  input: RequestInfo | URL,
  init: RequestInit = {},
  isLive = false,
): Promise<InnerRequest> {
  const request = input instanceof Request ? input : undefined
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase()
  if (!METHODS.has(method))
    throw clientError('REQUEST_INVALID', 'this method cannot be sent', { expected: [...METHODS].join(', ') })
  const { authority, path } = innerTarget(request?.url ?? String(input))
  const headers = new Headers(init.headers ?? request?.headers)
  const source: unknown = init.body === undefined ? request?.body : init.body
  if (method === 'GET' && source !== undefined && source !== null) {
    throw clientError('REQUEST_INVALID', 'a GET request has no body')
  }
  const { body, contentType, forced } = await prepareBody(source, isLive)
  if (contentType !== undefined && (forced || !headers.has('content-type')))
    headers.set('content-type', contentType)
  const signal = init.signal ?? request?.signal
  return { method, authority, path, headers: allowedHeaders(headers), body, signal, isLive }
}

function innerTarget(address: string): Pick<InnerRequest, 'authority' | 'path'> {
  const url = URL.parse(address)
  const authority = url === null ? undefined : AUTHORITIES.get(url.origin)
  if (url === null || authority === undefined || url.username !== '' || url.password !== '') {
    throw clientError('REQUEST_ORIGIN', 'this URL is not inside the enclave', {
      expected: `${INNER_ORIGIN}/... or ${APP_ORIGIN}/...`,
      // Path and query may be private; the origin says enough.
      found: url?.origin ?? 'no absolute URL',
      hint: 'use sotto.baseURL as the base of your requests, or sotto.appURL for those to an app',
    })
  }
  const path = url.pathname + url.search
  if (path.length > MAX_PATH_LENGTH) throw clientError('REQUEST_INVALID', 'the path is too long')
  return { authority, path }
}
