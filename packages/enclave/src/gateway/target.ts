import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { gatewayError } from './errors.ts'

/** Authority of every inner request. It resolves nowhere: the gateway forwards to its own app only. */
export const INNER_AUTHORITY = 'inference.sotto'

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Characters of a path and query (RFC 3986), without backslash, white space, fragment and user info tricks. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:$|\/)/i

/** Fields the inner app may see. An allow-list: whatever else a client sends identifies it (T17). */
const REQUEST_FIELDS: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  // Where JSON ends and binary tensors begin (KServe v2): it says nothing that the body does not.
  'inference-header-content-length',
  'upload-offset',
])

/**
 * The URL and headers for the inner app, from a head the client controls. Everything that is not
 * expected is refused or dropped, so no inner request can reach another host, port or file.
 * @throws `GATEWAY_TARGET`
 */
export function admitTarget(head: BhttpRequestHead): { method: string; url: string; headers: Headers } {
  const host = valueOf(head, 'host')
  const isOurs =
    head.scheme === 'https' &&
    (head.authority || host) === INNER_AUTHORITY &&
    (host ?? INNER_AUTHORITY) === INNER_AUTHORITY
  if (!isOurs || !METHODS.has(head.method))
    throw gatewayError('GATEWAY_TARGET', 'this gateway serves no such target')
  const path = head.path.split('?', 1)[0]!
  if (!PATH.test(head.path) || path.includes('//') || DOT_SEGMENT.test(path))
    throw gatewayError('GATEWAY_TARGET', 'the path is not in its plain form')
  const headers = new Headers()
  for (const [name, value] of head.fields) if (REQUEST_FIELDS.has(name)) headers.append(name, value)
  return { method: head.method, url: `https://${INNER_AUTHORITY}${head.path}`, headers }
}

/** Value of a field that appears once; undefined when absent; two values are joined, and match nothing. */
export function valueOf(head: BhttpRequestHead, name: string): string | undefined {
  const values = head.fields.filter(([field]) => field === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}
