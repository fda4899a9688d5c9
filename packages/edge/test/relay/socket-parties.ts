import { onTestFinished } from 'vitest'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../../src/errors.ts'
import { createRelay } from '../../src/relay/app.ts'
import type { RelayConfig, RelayLimits } from '../../src/relay/config.ts'
import { createNodeUpstream } from '../../src/relay/node-upstream.ts'
import { configFor, openRawServer, type RawServer } from './parties.ts'

export const RESPONSE_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: message/ohttp-chunked-res\r\nTransfer-Encoding: chunked\r\n\r\n'

/** A relay that opens WebSockets, and the raw gateway behind it. Gone after the test. */
export interface SocketRelay {
  gateway: RawServer
  relay: RunningServer
  errors: string[]
}

export async function listen(
  limits: Partial<RelayLimits> = {},
  more: Partial<RelayConfig> = {},
): Promise<SocketRelay> {
  const gateway = await openRawServer()
  const errors: string[] = []
  const { app, webSockets } = createRelay({
    config: { ...configFor({ demo: gateway.origin }, limits), ...more },
    upstream: createNodeUpstream(),
    onError: (code) => errors.push(code),
  })
  const relay = await startServer(app, {
    host: '127.0.0.1',
    port: 0,
    statuses: EDGE_STATUSES,
    drainMs: 0,
    writeStallMs: 300,
    webSockets,
  })
  const party = { gateway, relay, errors }
  onTestFinished(async () => {
    gateway.close()
    await relay.close()
  })
  return party
}

export interface Client {
  socket: WebSocket
  heard: (string | Uint8Array)[]
  closed: Promise<{ code: number; reason: string; wasClean: boolean }>
}

/** A relay and a client of it whose socket is open. */
export async function open(limits: Partial<RelayLimits> = {}): Promise<SocketRelay & Client> {
  const party = await listen(limits)
  return { ...party, ...(await clientOf(party)) }
}

export async function clientOf({ relay }: SocketRelay): Promise<Client> {
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/relay/demo`, 'sotto-ohttp')
  socket.binaryType = 'arraybuffer'
  const heard: Client['heard'] = []
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
    heard.push(typeof data === 'string' ? data : new Uint8Array(data)),
  )
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('not opened')))
  })
  return { socket, heard, closed }
}

/** What was heard, texts in brackets. */
export const said = (heard: Client['heard']): string =>
  heard.map((one) => (typeof one === 'string' ? `[${one}]` : Buffer.from(one).toString())).join('')

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2))
}
