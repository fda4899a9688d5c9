import { SottoError } from '@sotto/protocol/errors'
import { readBody } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import type { MonotonicNow } from './guard-stream.ts'
import type { Upstream } from './upstream.ts'

/** A public document of a gateway that the relay passes on. */
export interface DocumentKind {
  /** Where the gateway serves it. */
  path: string
  contentType: string
  /** Anything larger is refused. */
  maxBytes: number
}

/** The documents, by the last segment of `/relay/{gateway}/…`. */
export const DOCUMENTS: Readonly<Record<'trust' | 'keys', DocumentKind>> = {
  trust: { path: '/.well-known/sotto/trust', contentType: 'application/json', maxBytes: 1024 * 1024 },
  keys: { path: '/.well-known/ohttp-gateway', contentType: 'application/ohttp-keys', maxBytes: 64 * 1024 },
}

/** Longest a gateway may take over a document, in milliseconds. */
const FETCH_MS = 10_000

/** Fetches documents and answers repeated requests from memory: everybody gets the same bytes (T6). */
export interface DocumentCache {
  /** @throws `RELAY_GATEWAY_FAILED` */
  get(gateway: string, kind: DocumentKind): Promise<Uint8Array>
}

/** Makes a {@link DocumentCache} that asks a gateway at most once per `maxAgeMs` and document. */
export function createDocumentCache(upstream: Upstream, maxAgeMs: number, now: MonotonicNow): DocumentCache {
  const entries = new Map<string, { bytes: Promise<Uint8Array>; until: number }>()
  return {
    get(gateway, kind) {
      const key = gateway + kind.path
      const entry = entries.get(key)
      if (entry !== undefined && now() < entry.until) return entry.bytes
      const bytes = fetchDocument(upstream, gateway, kind)
      entries.set(key, { bytes, until: now() + maxAgeMs })
      // A failure is not remembered: the next client asks again.
      bytes.catch(() => entries.delete(key))
      return bytes
    },
  }
}

async function fetchDocument(upstream: Upstream, gateway: string, kind: DocumentKind): Promise<Uint8Array> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), FETCH_MS)
  try {
    const url = new URL(kind.path, gateway)
    const answer = await upstream({ url, method: 'GET', incremental: false, signal: abort.signal })
    if (answer.status !== 200 || answer.contentType.split(';')[0] !== kind.contentType) {
      await answer.body.cancel().catch(() => {})
      throw edgeError(
        answer.status === 503 ? 'RELAY_GATEWAY_BUSY' : 'RELAY_GATEWAY_FAILED',
        'the gateway has no such document now',
      )
    }
    return await readBody(new Response(answer.body as ReadableStream<Uint8Array<ArrayBuffer>>), kind.maxBytes)
  } catch (error) {
    if (error instanceof SottoError && error.code.startsWith('RELAY_')) throw error
    throw edgeError('RELAY_GATEWAY_FAILED', 'the gateway did not send the document', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
