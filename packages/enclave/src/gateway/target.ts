import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { gatewayError } from './errors.ts'

/** Authority of the inner API. It resolves nowhere: the gateway forwards to what runs in this enclave only. */
export const INNER_AUTHORITY = 'inference.sotto'
/** Authority of the app of this deployment, where there is one. It resolves nowhere either. */
export const APP_AUTHORITY = 'app.sotto'

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Characters of a path and query (RFC 3986), without backslash, white space, fragment and user info tricks. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:$|\/)/i

/** Fields that what answers may see. An allow-list: whatever else a client sends identifies it (T17). */
export const REQUEST_FIELDS: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  // Where JSON ends and binary tensors begin (KServe v2): it says nothing that the body does not.
  'inference-header-content-length',
  'range',
  'sotto-board-token',
  'upload-offset',
])

/** Where an inner request goes. */
export interface Target {
  method: string
  authority: string
  url: string
  headers: Headers
}

/**
 * The URL and headers for what answers inside, from a head the client controls. Everything that is not
 * expected is refused or dropped, so no inner request can reach another host, port or file.
 * @param authorities what this gateway serves
 * @throws `GATEWAY_TARGET`
 */
export function admitTarget(
  head: BhttpRequestHead,
  authorities: readonly string[] = [INNER_AUTHORITY],
): Target {
  const host = valueOf(head, 'host')
  const authority = head.authority || host
  const isOurs = head.scheme === 'https' && (host ?? authority) === authority
  if (!isOurs || authority === undefined || !authorities.includes(authority) || !METHODS.has(head.method))
    throw gatewayError('GATEWAY_TARGET', 'this gateway serves no such target')
  const path = head.path.split('?', 1)[0]!
  if (!PATH.test(head.path) || path.includes('//') || DOT_SEGMENT.test(path))
    throw gatewayError('GATEWAY_TARGET', 'the path is not in its plain form')
  const headers = new Headers()
  for (const [name, value] of head.fields) if (REQUEST_FIELDS.has(name)) headers.append(name, value)
  return { method: head.method, authority, url: `https://${authority}${head.path}`, headers }
}

/** Value of a field that appears once; undefined when absent; two values are joined, and match nothing. */
export function valueOf(head: BhttpRequestHead, name: string): string | undefined {
  const values = head.fields.filter(([field]) => field === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}
