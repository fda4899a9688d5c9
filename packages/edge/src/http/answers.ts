import { canonicalJson } from '@sotto/protocol/jcs'

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** A document in canonical form. */
export function jsonAnswer(value: object, headers: Record<string, string> = {}): Response {
  return new Response(canonicalJson(value) as Uint8Array<ArrayBuffer>, {
    headers: { ...JSON_HEADERS, ...headers },
  })
}
