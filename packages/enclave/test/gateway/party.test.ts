import { afterEach, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import { peerOf, type RunningServer, startServer } from '@sotto/serve/server'
import { claim } from '../../../../test/claims.ts'
import { currentParty, runAs } from '../../src/engines/host/party.ts'
import { openAnswer, openGateway, sealedChunks, type TestGateway } from './parties.ts'
import { makeKeys, openGate } from './tokens/parties.ts'

makeKeys()
let server: RunningServer | undefined
afterEach(() => server?.close())

/** Sends a message over a real connection. */
async function send(gateway: TestGateway, authorization?: string): Promise<string> {
  server = await startServer(gateway.app, { host: '127.0.0.1', port: 0 })
  const fields = [['date', new Date().toUTCString()] as const]
  if (authorization !== undefined) fields.push(['authorization', authorization] as never)
  const { sealer, parts } = sealedChunks(gateway.key, { body: 'x', fields })
  const response = await fetch(`${server.url}/ohttp`, {
    method: 'POST',
    headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
    body: concat(...parts) as Uint8Array<ArrayBuffer>,
  })
  return (await openAnswer(response, sealer)).text
}

const tellParty = async (): Promise<Response> => new Response(currentParty())

it(
  claim('T19', 'runs requests for the party of their connection and token class, and of nothing else'),
  async () => {
    const gate = openGate()
    expect(await send(openGateway(tellParty, { runAs }))).toBe('127.0.0.1 ')
    expect(await send(openGateway(tellParty, { runAs, tokens: gate.gate }), gate.authorization())).toBe(
      '127.0.0.1 standard',
    )
  },
)

it('shows the app nothing of the connection', async () => {
  const gateway = openGateway(async (request) => {
    const headers = [...request.headers].map(([name]) => name)
    return Response.json({ peer: peerOf(request) ?? null, headers })
  })
  expect(JSON.parse(await send(gateway))).toEqual({ peer: null, headers: [] })
})
