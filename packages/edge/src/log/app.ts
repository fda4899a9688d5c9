import { parseDsse } from '@sotto/protocol/dsse'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { readBody } from '@sotto/serve/limits'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import type { Publisher } from './publisher.ts'
import { readTile } from './read-routes.ts'
import type { Sequencer } from './sequencer.ts'
import type { LogStore } from './store.ts'

/** What the log's HTTP interface is made of. */
export interface LogAppOptions {
  store: LogStore
  sequencer: Sequencer
  publisher: Publisher
  /** The log's C2SP verifier key, for people who set up a policy. */
  verifierKey: string
  /** Throws unless the request may append. */
  authorize: (request: Request) => void
  /** Longest wait of an append for its witnessed checkpoint, in milliseconds. */
  appendWaitMs: number
  onError?: (code: string) => void
}

/** Largest entry, in bytes: an entry bundle has 16-bit lengths, and envelopes stay well below. */
export const MAX_ENTRY_BYTES = 60_000

/** The log: C2SP tlog-tiles for everybody, `POST /log/entries` for holders of the append token. */
export function createLogApp(options: LogAppOptions): App {
  const { store, sequencer, publisher } = options
  const app = new Hono()

  app.get('/log/checkpoint', () => {
    if (publisher.published === undefined)
      throw edgeError('LOG_NOT_WITNESSED', 'no checkpoint has been witnessed yet')
    return new Response(publisher.published.note, {
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
    })
  })
  app.get(
    '/log/key',
    () =>
      new Response(`${options.verifierKey}\n`, { headers: { 'content-type': 'text/plain; charset=utf-8' } }),
  )
  app.get('/log/tile/*', (c) => {
    const tile = readTile(store, publisher.published?.size ?? 0, c.req.path.slice('/log/tile/'.length))
    if (tile === undefined) throw serveError('HTTP_NOT_FOUND', 'the published tree has no such tile')
    return tile
  })
  app.post('/log/entries', async (c) => {
    options.authorize(c.req.raw)
    if (publisher.fatal !== undefined) throw publisher.fatal
    const entry = await readBody(c.req.raw, MAX_ENTRY_BYTES)
    try {
      parseDsse(entry)
    } catch (cause) {
      throw edgeError('LOG_ENTRY_INVALID', 'the entry is not one canonical DSSE envelope', { cause })
    }
    const index = await sequencer.add(entry)
    await publisher.waitFor(index + 1, options.appendWaitMs)
    return Response.json({ index }, { headers: { 'cache-control': 'no-store' } })
  })
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the log has no such route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: EDGE_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}
