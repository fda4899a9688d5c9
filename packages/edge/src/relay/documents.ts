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

/** Who serves a document: the same one at all its origins, whichever is asked. */
export interface DocumentOwner {
  /** Whom to ask, first one first. */
  documentOrigins(): readonly string[]
}

/** Fetches documents and answers repeated requests from memory: everybody gets the same bytes (T6). */
export interface DocumentCache {
  /** @throws as {@link fetchDocument} */
  get(owner: DocumentOwner, kind: DocumentKind): Promise<Uint8Array>
  /** What this owner served is out of date: the next client asks again, unless it was asked within a second. */
  forget(owner: DocumentOwner): void
}

/** However often clients come with keys nobody has: an owner is asked this rarely, in milliseconds. */
const MIN_AGE_MS = 1000

/** Origins asked for one document, one after the other: a client waits for all of them. */
const MAX_ASKED = 3

/** Makes a {@link DocumentCache} that asks at most once per `maxAgeMs` and document. Kinds must be few. */
export function createDocumentCache(upstream: Upstream, maxAgeMs: number, now: MonotonicNow): DocumentCache {
  const owners = new Map<DocumentOwner, Map<string, { bytes: Promise<Uint8Array>; asked: number }>>()
  return {
    get(owner, kind) {
      let entries = owners.get(owner)
      if (entries === undefined) owners.set(owner, (entries = new Map()))
      const entry = entries.get(kind.path)
      if (entry !== undefined && now() < entry.asked + maxAgeMs) return entry.bytes
      const bytes = fetchFromAny(upstream, owner.documentOrigins(), kind)
      entries.set(kind.path, { bytes, asked: now() })
      // A failure is not remembered: the next client asks again.
      bytes.catch(() => entries.delete(kind.path))
      return bytes
    },
    forget(owner) {
      const entries = owners.get(owner)
      for (const [path, { asked }] of entries ?? []) if (now() >= asked + MIN_AGE_MS) entries!.delete(path)
    },
  }
}

/**
 * A document made for the nonce of whoever asks: it is nobody else's, so it is not kept.
 * @param nonce base64url
 * @throws as {@link fetchDocument}
 */
export function fetchForNonce(
  upstream: Upstream,
  owner: DocumentOwner,
  kind: DocumentKind,
  nonce: string,
): Promise<Uint8Array> {
  return fetchFromAny(upstream, owner.documentOrigins(), { ...kind, path: `${kind.path}?nonce=${nonce}` })
}

/** From the first origin that has it: to ask twice does nothing twice. @throws what the first one says */
async function fetchFromAny(
  upstream: Upstream,
  origins: readonly string[],
  kind: DocumentKind,
): Promise<Uint8Array> {
  let first: unknown
  for (const origin of origins.slice(0, MAX_ASKED)) {
    try {
      return await fetchDocument(upstream, origin, kind)
    } catch (error) {
      first ??= error
    }
  }
  throw first
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
  if (status === 503 || status === 429)
    return edgeError('RELAY_GATEWAY_BUSY', 'the gateway has no such document now')
  return edgeError('RELAY_GATEWAY_FAILED', 'the gateway did not send the document', { cause })
}
