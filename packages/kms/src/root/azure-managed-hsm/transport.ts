import { request as requestHttp } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { concat } from '@sotto/protocol/bytes'
import { kmsError } from '../../errors.ts'

/** Longest answer of any of these services; tokens and released keys have 2 to 30 kB. */
const MAX_ANSWER_BYTES = 131_072
/** For one request, from the first packet to the last. */
const DEFAULT_TIMEOUT_MS = 15_000

/** How other machines are reached. Every member has a default; tests give others. */
export interface TransportOptions {
  /** Certificates to believe in the place of Node's own. */
  ca?: string
  /** Resolves names. */
  lookup?: RequestOptions['lookup']
  /** Milliseconds for one request. Default 15000. */
  timeoutMs?: number
}

/** One request. */
export interface Question {
  method: string
  url: URL
  headers: Readonly<Record<string, string>>
  body?: Uint8Array | string
  signal?: AbortSignal | undefined
  /** Only the metadata service of the machine itself has no TLS. */
  allowHttp?: boolean
}

/** Whatever came back. The other side chose all of it. */
export interface Reply {
  status: number
  headers: Readonly<Record<string, string>>
  body: Uint8Array
}

/** Asks once. Contract: no redirect is followed, no proxy used, no environment read, and an answer has bounds. */
export type Transport = (question: Question) => Promise<Reply>

/** @throws from the transport `KMS_HSM_UNAVAILABLE`, `KMS_HSM_ANSWER` */
export function openTransport(options: TransportOptions = {}): Transport {
  const { ca, lookup, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  return async ({ method, url, headers, body, signal, allowHttp = false }) => {
    if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
      throw kmsError('KMS_HSM_ANSWER', 'only TLS tells who answers', {
        expected: 'https',
        found: url.protocol,
      })
    const limit = AbortSignal.timeout(timeoutMs)
    const common: RequestOptions = {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
      // A connection of its own: nothing is shared between a service and the next.
      agent: false,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      ...(lookup !== undefined && { lookup }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const request =
      url.protocol === 'http:'
        ? requestHttp(url, common)
        : requestHttps(url, { ...common, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
    request.on('error', reject)
    request.on('response', (response) => {
      const parts: Uint8Array[] = []
      let length = 0
      response.on('error', reject)
      response.on('data', (part: Uint8Array) => {
        parts.push(part)
        length += part.length
        if (length > MAX_ANSWER_BYTES) response.destroy(tooLong(url))
      })
      response.on('end', () => {
        const named = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        resolve({
          status: response.statusCode!,
          headers: Object.fromEntries(named) as Record<string, string>,
          body: concat(...parts),
        })
      })
      // Ended in the middle.
      response.on('close', () => reject(new Error('the answer has no end')))
    })
    request.end(body)
    try {
      return await promise
    } catch (cause) {
      if ((cause as { code?: unknown }).code === 'KMS_HSM_ANSWER') throw cause
      throw kmsError('KMS_HSM_UNAVAILABLE', 'a service does not answer', {
        found: url.hostname,
        ...(limit.aborted && { expected: `an answer within ${timeoutMs} ms` }),
        cause,
      })
    }
  }
}

function tooLong(url: URL): Error {
  return kmsError('KMS_HSM_ANSWER', 'an answer is too long', {
    expected: `at most ${MAX_ANSWER_BYTES} bytes`,
    found: url.hostname,
  })
}

/** What is wrong with a status that says no. Nothing but a short code of the body is told. */
export function refusalOf(service: string, status: number, code?: unknown): Error {
  const label = typeof code === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(code) ? ` ${code}` : ''
  const isPassing = status === 408 || status === 429 || status >= 500
  return kmsError(isPassing ? 'KMS_HSM_UNAVAILABLE' : 'KMS_HSM_REFUSED', `${service} refuses`, {
    expected: '200',
    found: `${status}${label}`,
    ...(!isPassing && {
      hint: 'Is the key there and exportable, does the identity have the role Managed HSM Crypto Service Release User, and does the release policy admit this machine?',
    }),
  })
}
