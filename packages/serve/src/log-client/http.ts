import type { SottoError } from '@sotto/protocol/errors'
import { serveError, type ServeErrorCode } from '../errors/index.ts'
import { readBody } from '../limits/index.ts'

/** How the log is reached. Whoever answers is untrusted. */
export interface LogTransport {
  /** Base URL; `/log/…` is appended. */
  url: string
  /** Sent only with appends. */
  appendToken?: string
  fetch: typeof fetch
  /** Bound of one read; an append gets six times as long, because witnesses have to answer. */
  timeoutMs: number
}

const APPEND_PATIENCE = 6
const MAX_ERROR_BYTES = 4096

/**
 * The body of `GET /log/<path>`, at most `maxBytes`; `undefined` when the log has no such path.
 * @throws `LOG_UNREACHABLE`
 */
export async function readLog(
  log: LogTransport,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const response = await request(log, path, {}, log.timeoutMs)
  if (response.status === 404) {
    await response.body?.cancel()
    return undefined
  }
  if (response.status !== 200) {
    await response.body?.cancel()
    throw unreachable(`the log answered ${response.status}`)
  }
  return body(response, maxBytes)
}

/**
 * Sends an entry; the answer is the index the log claims for it.
 * @throws `LOG_REFUSED` when the log will never take it, `LOG_UNREACHABLE` otherwise
 */
export async function sendEntry(log: LogTransport, entry: Uint8Array): Promise<number> {
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  if (log.appendToken !== undefined) headers['authorization'] = `Bearer ${log.appendToken}`
  const init = { method: 'POST', headers, body: entry as Uint8Array<ArrayBuffer> }
  const response = await request(log, 'entries', init, log.timeoutMs * APPEND_PATIENCE)
  const bytes = await body(response, MAX_ERROR_BYTES)
  if (response.status === 200 || response.status === 201) return indexOf(bytes)
  if ([400, 401, 403, 413, 415].includes(response.status)) {
    throw serveError('LOG_REFUSED', 'the log does not take this entry', {
      found: `status ${response.status}`,
      hint: 'Check the append token and the log that is configured.',
    })
  }
  throw unreachable(`the log answered ${response.status}`)
}

function indexOf(bytes: Uint8Array): number {
  try {
    const { index } = JSON.parse(new TextDecoder().decode(bytes)) as { index: unknown }
    if (Number.isSafeInteger(index) && (index as number) >= 0) return index as number
  } catch {
    // Falls through: no index either way.
  }
  throw unreachable('the log answered without an index')
}

async function request(
  log: LogTransport,
  path: string,
  init: RequestInit,
  timeoutMs: number,
): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    return await log.fetch(`${log.url}/log/${path}`, { ...init, redirect: 'error', signal })
  } catch (cause) {
    throw unreachable('the log does not answer', cause)
  }
}

async function body(response: Response, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readBody(response, maxBytes)
  } catch (cause) {
    throw unreachable('the answer of the log is cut or too long', cause)
  }
}

function unreachable(message: string, cause?: unknown): SottoError<ServeErrorCode> {
  return serveError('LOG_UNREACHABLE', message, { cause })
}
