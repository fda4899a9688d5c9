import { withHealth } from '@sotto/serve/health'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { onTestFinished } from 'vitest'
import { EDGE_STATUSES } from '../../src/errors.ts'
import { createRelay } from '../../src/relay/app.ts'
import { createNodeUpstream } from '../../src/relay/node-upstream.ts'
import { configFor } from './parties.ts'

/** How often the relay of these tests asks. */
export const READINESS_MS = 100

/** A gateway that answers each message with its own name. */
export interface FakeEnclave {
  readonly name: string
  readonly url: string
  /** Messages that arrived whole. */
  answered: number
  /** What it answers outside the encryption. */
  status: number
  isReady: boolean
  /** Stops as an enclave does. */
  close(): Promise<void>
}

export async function startEnclave(name: string, port = 0): Promise<FakeEnclave> {
  const app = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/.well-known/sotto/trust')
      return Response.json({ from: name }, { headers: { 'content-type': 'application/json' } })
    await request.text()
    // Long enough for others to run beside it.
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20))
    enclave.answered++
    const type = request.headers.get('content-type')!.replace('-req', '-res')
    return new Response(name, { status: enclave.status, headers: { 'content-type': type } })
  }
  const readiness = (): { ready: true } | { ready: false; code: string } =>
    enclave.isReady ? { ready: true } : { ready: false, code: 'NOT_ATTESTED' }
  const server = await startServer(withHealth(app, readiness), {
    host: '127.0.0.1',
    port,
    noticeMs: 4 * READINESS_MS,
    drainMs: 2000,
  })
  const enclave: FakeEnclave = {
    name,
    url: server.url,
    answered: 0,
    status: 200,
    isReady: true,
    close: () => server.close(),
  }
  onTestFinished(() => enclave.close())
  return enclave
}

/** A relay before these origins, as `main.ts` runs it. */
export async function relayBefore(
  origins: readonly string[],
): Promise<{ relay: RunningServer; errors: string[] }> {
  const errors: string[] = []
  const relaying = createRelay({
    config: { ...configFor({ demo: origins }), readinessMs: READINESS_MS, documentSeconds: 0 },
    upstream: createNodeUpstream(500),
    onError: (code) => errors.push(code),
  })
  const relay = await startServer(relaying.app, {
    host: '127.0.0.1',
    port: 0,
    statuses: EDGE_STATUSES,
    drainMs: 0,
    webSockets: relaying.webSockets,
  })
  onTestFinished(async () => {
    relaying.close()
    await relay.close()
  })
  return { relay, errors }
}

/** One exchange: the status, and who answered. */
export async function exchangeAt(relay: RunningServer, body: BodyInit = 'sealed'): Promise<string> {
  const response = await fetch(`${relay.url}/relay/demo`, {
    method: 'POST',
    headers: { 'content-type': 'message/ohttp-req' },
    body,
    duplex: 'half',
  } as RequestInit)
  const text = await response.text()
  if (response.status === 200) return text
  return `${response.status} ${(JSON.parse(text) as { error?: { code: string } }).error?.code ?? ''}`
}
