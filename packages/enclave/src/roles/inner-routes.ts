import type { InnerApp } from '../gateway/index.ts'

/** Where a client fetches, inside the encryption, what certifies this enclave's receipts (T16). */
const CERTIFICATE_PATH = '/sotto/receipt-certificate'

/** The API, and the one route beside it. */
export function innerRoutes(api: InnerApp, certificate: () => Uint8Array | undefined): InnerApp {
  return async (request) => {
    if (new URL(request.url).pathname !== CERTIFICATE_PATH) return api(request)
    const bytes = certificate()
    if (request.method !== 'GET' || !bytes)
      return new Response(null, { status: request.method === 'GET' ? 503 : 405 })
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': 'application/json' } })
  }
}
