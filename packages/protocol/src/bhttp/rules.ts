import { malformed } from './errors.ts'
import type { BhttpField, BhttpRequestHead } from './types.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** Visible characters, obs-text, and single inner spaces and tabs (RFC 9113 Section 8.2.1, RFC 9110 Section 5.5). */
const FIELD_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/
const SCHEME = /^[a-z][a-z0-9+\-.]*$/
/** No user information: `user@host` is how one host is made to look like another. */
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]*$/
const PATH = /^(?:\/[\x21\x22\x24-\x7e]*|\*)$/

/** Fields that speak about one connection (RFC 9113 Section 8.2.2); a binary message has none. */
const CONNECTION_FIELDS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** @throws `BHTTP_MALFORMED` for control data that could mean something else in another version of HTTP. */
export function checkRequestControl({ method, scheme, authority, path }: BhttpRequestHead): void {
  if (!TOKEN.test(method)) throw malformed('method')
  if (!AUTHORITY.test(authority)) throw malformed('authority')
  if (method === 'CONNECT' && scheme === '' && path === '' && authority !== '') return
  if (!SCHEME.test(scheme)) throw malformed('scheme')
  if (!PATH.test(path)) throw malformed('path')
}

/** @throws `BHTTP_MALFORMED` unless the status is 100 to 199 but not 101 (no protocol switch inside a message). */
export function checkInformationalStatus(status: number): void {
  if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) throw malformed('status')
}

/** @throws `BHTTP_MALFORMED` unless the status is 200 to 599. */
export function checkFinalStatus(status: number): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw malformed('status')
}

/** @throws `BHTTP_MALFORMED` for a name or value that HTTP does not allow, or a connection-specific field. */
export function checkField([name, value]: BhttpField): void {
  if (!FIELD_NAME.test(name)) throw malformed('field name')
  if (!FIELD_VALUE.test(value)) throw malformed('field value')
  if (CONNECTION_FIELDS.has(name) || (name === 'te' && value !== 'trailers')) {
    throw malformed('connection-specific field')
  }
}

/**
 * Value of the Content-Length of a request, undefined without one. A length that contradicts the
 * framing is how requests are smuggled.
 * @throws `BHTTP_MALFORMED` for two of them, or one that is no number.
 */
export function contentLength(fields: readonly BhttpField[]): number | undefined {
  let length: number | undefined
  for (const [name, value] of fields) {
    if (name !== 'content-length') continue
    if (length !== undefined || !/^[0-9]{1,15}$/.test(value)) throw malformed('content-length')
    length = Number(value)
  }
  return length
}
