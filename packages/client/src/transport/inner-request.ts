import { clientError } from '../errors.ts'
import { prepareBody, type RequestBody } from './request-body.ts'
import { allowedHeaders } from './request-headers.ts'

/** Where every inner request goes. No such host exists: an unverified client that sends there sends nowhere. */
export const INNER_ORIGIN = 'https://inference.sotto'

/** Authority of {@link INNER_ORIGIN}. */
export const INNER_AUTHORITY = 'inference.sotto'

/** A request as it travels inside the encryption. */
export interface InnerRequest {
  method: string
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
  const path = innerPath(request?.url ?? String(input))
  const headers = new Headers(init.headers ?? request?.headers)
  const source: unknown = init.body === undefined ? request?.body : init.body
  if (method === 'GET' && source !== undefined && source !== null) {
    throw clientError('REQUEST_INVALID', 'a GET request has no body')
  }
  const { body, contentType, forced } = await prepareBody(source, isLive)
  if (contentType !== undefined && (forced || !headers.has('content-type')))
    headers.set('content-type', contentType)
  const signal = init.signal ?? request?.signal
  return { method, path, headers: allowedHeaders(headers), body, signal, isLive }
}

function innerPath(address: string): string {
  const url = URL.parse(address)
  if (url === null || url.origin !== INNER_ORIGIN || url.username !== '' || url.password !== '') {
    throw clientError('REQUEST_ORIGIN', 'this URL is not inside the enclave', {
      expected: `${INNER_ORIGIN}/...`,
      // Path and query may be private; the origin says enough.
      found: url?.origin ?? 'no absolute URL',
      hint: 'use sotto.baseURL as the base of your requests',
    })
  }
  const path = url.pathname + url.search
  if (path.length > MAX_PATH_LENGTH) throw clientError('REQUEST_INVALID', 'the path is too long')
  return path
}
