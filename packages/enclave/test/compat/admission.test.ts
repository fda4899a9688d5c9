import { afterEach, expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { claim } from '../../../../test/claims.ts'
import { currentParty, runAs } from '../../src/engines/host/party.ts'
import { sealedChunks } from '../gateway/parties.ts'
import { type CompatGateway, openCompat, open, score, sealRequest } from './client.ts'

let server: RunningServer | undefined
afterEach(() => server?.close())

test(
  claim('T19', 'runs requests for the party of their connection and token class, and of nothing else'),
  async () => {
    const party = async (gateway: CompatGateway, authorization: string): Promise<string> => {
      server = await startServer(gateway.app, { host: '127.0.0.1', port: 0 })
      const { sealer, wire } = sealRequest(gateway.key, { fields: [['authorization', authorization]] })
      const response = await fetch(`${server.url}/score`, {
        method: 'POST',
        headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
        body: wire as Uint8Array<ArrayBuffer>,
      })
      const text = await open(response, sealer)
      await server.close()
      return text
    }
    const tellParty = async (): Promise<Response> => new Response(currentParty())
    const tokens = {
      wwwAuthenticate: 'PrivateToken',
      admit: () => ({ className: 'standard', spent: Promise.resolve(), isNew: true }),
    }
    expect(await party(openCompat(tellParty, { runAs }), 'x')).toBe('127.0.0.1 ')
    expect(await party(openCompat(tellParty, { runAs, tokens }), 'x')).toBe('127.0.0.1 standard')
  },
)

/** A message of our own dialect to the same enclave. */
function ours(gateway: CompatGateway): Request {
  const { parts } = sealedChunks(gateway.keys.find(7)!.key, { body: '' })
  const headers = { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest }
  const body = concat(...parts) as Uint8Array<ArrayBuffer>
  return new Request('http://gateway/ohttp', { method: 'POST', headers, body })
}

test('both dialects take places of the same limit, and give them back', async () => {
  const waiting = Promise.withResolvers<Response>()
  const gateway = openCompat(() => waiting.promise.then((one) => one.clone()), { limits: { exchanges: 1 } })
  const first = sealRequest(gateway.key)
  const running = gateway.app(score(first.wire))
  expect((await gateway.app(ours(gateway))).status).toBe(503)
  expect((await gateway.app(score(sealRequest(gateway.key).wire))).status).toBe(503)
  waiting.resolve(new Response('done'))
  expect(await open(await running, first.sealer)).toBe('done')
  expect((await gateway.app(ours(gateway))).status).toBe(200)
})

test('both dialects hold messages in the same memory, and give it back', async () => {
  const waiting = Promise.withResolvers<Response>()
  const gateway = openCompat(() => waiting.promise.then((one) => one.clone()), {
    limits: { allWholeBytes: 10_000 },
  })
  const first = sealRequest(gateway.key, { body: 'x'.repeat(8000) })
  const running = gateway.app(score(first.wire, { 'content-length': `${first.wire.length}` }))
  const whole = (): Request => {
    const body = new Uint8Array(4000)
    const headers = { 'content-type': OHTTP_MEDIA_TYPE.request, 'content-length': `${body.length}` }
    return new Request('http://gateway/ohttp', { method: 'POST', headers, body })
  }
  expect((await gateway.app(whole())).status).toBe(503)
  waiting.resolve(new Response('done'))
  expect(await open(await running, first.sealer)).toBe('done')
  // It is none that can be opened, but there is room to look at it.
  expect((await gateway.app(whole())).status).not.toBe(503)
  const second = sealRequest(gateway.key, { body: 'x'.repeat(8000) })
  const next = await gateway.app(score(second.wire, { 'content-length': `${second.wire.length}` }))
  expect(await open(next, second.sealer)).toBe('done')
})
