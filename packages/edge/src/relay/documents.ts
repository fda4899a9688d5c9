import { SottoError } from '@sotto/protocol/errors'
import { readBody } from '@sotto/serve/limits'
import { serveError } from '@sotto/serve/errors'
import { edgeError } from '../errors.ts'
import type { MonotonicNow } from './guard-stream.ts'
import type { Upstream } from './upstream.ts'

/** A public document that the relay passes on. */
export interface DocumentKind {
  /** Where its owner serves it. */
  path: string
  /** Media type without parameters. */
  contentType: string
  /** Anything larger is refused. */
  maxBytes: number
  owner: 'gateway' | 'log'
}

/** The documents of a gateway, by the last segment of `/relay/{gateway}/…`. */
export const DOCUMENTS: Readonly<Record<'trust' | 'keys', DocumentKind>> = {
  trust: {
    path: '/.well-known/sotto/trust',
    contentType: 'application/json',
    maxBytes: 1024 * 1024,
    owner: 'gateway',
  },
  keys: {
    path: '/.well-known/ohttp-gateway',
    contentType: 'application/ohttp-keys',
    maxBytes: 64 * 1024,
    owner: 'gateway',
  },
}

/** Longest its owner may take over a document, in milliseconds. */
const FETCH_MS = 10_000

/** Fetches documents and answers repeated requests from memory: everybody gets the same bytes (T6). */
export interface DocumentCache {
  /** @throws as {@link fetchDocument} */
  get(origin: string, kind: DocumentKind): Promise<Uint8Array>
  /** What this owner served is out of date: the next client asks again, unless it was asked within a second. */
  forget(origin: string): void
}

/** However often clients come with keys nobody has: an owner is asked this rarely, in milliseconds. */
const MIN_AGE_MS = 1000

/** Makes a {@link DocumentCache} that asks at most once per `maxAgeMs` and document. Kinds must be few. */
export function createDocumentCache(upstream: Upstream, maxAgeMs: number, now: MonotonicNow): DocumentCache {
  const entries = new Map<string, { origin: string; bytes: Promise<Uint8Array>; asked: number }>()
  return {
    get(origin, kind) {
      const key = origin + kind.path
      const entry = entries.get(key)
      if (entry !== undefined && now() < entry.asked + maxAgeMs) return entry.bytes
      const bytes = fetchDocument(upstream, origin, kind)
      entries.set(key, { origin, bytes, asked: now() })
      // A failure is not remembered: the next client asks again.
      bytes.catch(() => entries.delete(key))
      return bytes
    },
    forget(origin) {
      for (const [key, entry] of entries)
        if (entry.origin === origin && now() >= entry.asked + MIN_AGE_MS) entries.delete(key)
    },
  }
}

/**
 * Fetches one document, whole. Its owner controls status, type and bytes.
 * @throws `RELAY_GATEWAY_FAILED`, `RELAY_GATEWAY_BUSY` for a gateway, `RELAY_LOG_FAILED`, `HTTP_NOT_FOUND` for the log
 */
export async function fetchDocument(
  upstream: Upstream,
  origin: string,
  kind: DocumentKind,
): Promise<Uint8Array> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), FETCH_MS)
  try {
    const url = new URL(kind.path, origin)
    const answer = await upstream({ url, method: 'GET', incremental: false, signal: abort.signal })
    if (answer.status !== 200 || answer.contentType.split(';')[0] !== kind.contentType) {
      await answer.body.cancel().catch(() => {})
      throw failure(kind, answer.status)
    }
    return await readBody(new Response(answer.body as ReadableStream<Uint8Array<ArrayBuffer>>), kind.maxBytes)
  } catch (error) {
    if (error instanceof SottoError && isOurs(error.code)) throw error
    throw failure(kind, undefined, error)
  } finally {
    clearTimeout(timer)
  }
}

function isOurs(code: string): boolean {
  return code.startsWith('RELAY_') || code === 'HTTP_NOT_FOUND'
}

function failure({ owner }: DocumentKind, status?: number, cause?: unknown): SottoError {
  if (owner === 'log') {
    if (status === 404) return serveError('HTTP_NOT_FOUND', 'the log has no such tile')
    return edgeError('RELAY_LOG_FAILED', 'the log did not answer with this document', { cause })
  }
  if (status === 503) return edgeError('RELAY_GATEWAY_BUSY', 'the gateway has no such document now')
  return edgeError('RELAY_GATEWAY_FAILED', 'the gateway did not send the document', { cause })
}
