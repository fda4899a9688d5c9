import { INNER_ORIGIN } from '../transport/inner-request.ts'
import type { Sotto } from '../types.ts'
import { explainCut } from './explain-cut.ts'
import { isLiveUpload } from './live-upload.ts'

/** What a proxy sends through. */
export type Sender = Pick<Sotto, 'fetch' | 'trust'> & Partial<Pick<Sotto, 'fetchLive'>>

/** A request as it goes on. */
export interface Onward {
  /** Origin inside the encryption. */
  origin: string
  /** Path and query. */
  path: string
  method: string
  body: ReadableStream<Uint8Array> | AsyncGenerator<Uint8Array> | string | null
  /** @default that of the request */
  contentType?: string
}

/** Response fields that describe one hop, or that the enclave has no business setting here. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Sends a request into the enclave and gives back its answer: of the request's own fields those go on that the client lets
 * through (T17), of the answer's all but those of one hop, cookies and CORS.
 * @throws what {@link Sotto.fetch} throws
 */
export async function sendInner(sotto: Sender, request: Request, onward: Onward): Promise<Response> {
  const { origin, path, method, body, contentType } = onward
  const headers = new Headers(request.headers)
  if (contentType !== undefined) headers.set('content-type', contentType)
  const isLive = origin === INNER_ORIGIN && isLiveUpload(request, path)
  const send = isLive ? (sotto.fetchLive ?? sotto.fetch) : sotto.fetch
  const inner = await send(origin + path, {
    method,
    headers,
    body: body as BodyInit | null,
    signal: request.signal,
  })
  const outer = new Headers([...inner.headers].filter(([name]) => isForwarded(name)))
  if (sotto.trust.software) outer.set('x-sotto-software-tee', 'true')
  const isEvents = inner.body !== null && /^text\/event-stream(?:;|$)/i.test(outer.get('content-type') ?? '')
  const content = isEvents ? explainCut(inner.body!) : inner.body
  return new Response(content as BodyInit | null, { status: inner.status, headers: outer })
}

function isForwarded(name: string): boolean {
  return !DROPPED.has(name) && !name.startsWith('access-control-')
}
