import { fromUtf8 } from '@sotto/protocol/bytes'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { readBody } from '@sotto/serve/limits'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import type { WitnessAnswer } from './witness.ts'

/** Old size, 63 proof lines, and a note of the longest accepted: 16 signatures of ML-DSA-44 fit in it. */
const MAX_REQUEST_BYTES = 80 * 1024

/** What the witness's HTTP interface is made of. */
export interface WitnessAppOptions {
  addCheckpoint: (body: string) => WitnessAnswer
  /** C2SP verifier key (cosignature/v1). */
  verifierKey: string
  onError?: (code: string) => void
}

/** `POST /add-checkpoint` (C2SP tlog-witness) and `GET /key`. */
export function createWitnessApp(options: WitnessAppOptions): App {
  const app = new Hono()
  app.post('/add-checkpoint', async (c) => {
    const bytes = await readBody(c.req.raw, MAX_REQUEST_BYTES)
    const answer = options.addCheckpoint(textOf(bytes))
    if (answer.type === 'cosigned') return plain(answer.lines, 200, 'text/plain; charset=utf-8')
    return plain(`${answer.size}\n`, 409, 'text/x.tlog.size')
  })
  app.get('/key', () => plain(`${options.verifierKey}\n`, 200, 'text/plain; charset=utf-8'))
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the witness has no such route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: EDGE_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw edgeError('WITNESS_MALFORMED', 'the request is not UTF-8', { cause })
  }
}

function plain(body: string, status: number, contentType: string): Response {
  return new Response(body, { status, headers: { 'content-type': contentType, 'cache-control': 'no-store' } })
}
