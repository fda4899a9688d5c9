import type { Digest } from '@sotto/protocol/keyrelease'
import { APP_AUTHORITY, type InnerApp } from '../gateway/index.ts'

/** Where a client fetches, inside the encryption, what certifies this enclave's receipts (T16). */
const CERTIFICATE_PATH = '/sotto/receipt-certificate'
/** Which release's: the `evidence` of a receipt. Without it: the newest. */
const EVIDENCE_QUERY = /^\?evidence=([0-9a-f]{64})$/

/** Paths that belong to the gateway, whatever answers the others: some of them need no token. */
const GATEWAY_PATHS = '/sotto/'

/**
 * What answers inside: the API, the app of this deployment at its own authority, and one route of the enclave itself.
 * `certificate` finds by evidence; undefined when unknown.
 */
export function innerRoutes(
  api: InnerApp,
  certificate: (evidence?: Digest) => Uint8Array | undefined,
  app?: InnerApp,
): InnerApp {
  return async (request) => {
    const { host, pathname, search } = new URL(request.url)
    if (pathname !== CERTIFICATE_PATH) {
      if (host !== APP_AUTHORITY) return api(request)
      return app === undefined || pathname.startsWith(GATEWAY_PATHS) ? refuse(404) : app(request)
    }
    if (request.method !== 'GET') return refuse(405)
    const evidence = EVIDENCE_QUERY.exec(search)?.[1]
    if (search !== '' && evidence === undefined) return refuse(400)
    const bytes = certificate(evidence)
    // Another enclave behind the same gateway may have signed: then it is found there.
    if (bytes === undefined) return refuse(evidence === undefined ? 503 : 404)
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': 'application/json' } })
  }
}

function refuse(status: number): Response {
  return new Response(null, { status })
}
