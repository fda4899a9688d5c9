import { describe, expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { claim } from '../../../../test/claims.ts'
import { modelOwner } from '../../src/index.ts'
import type { SottoModels } from '../../src/models/index.ts'
import { createProxy, type ProxyOptions, startProxy } from '../../src/proxy/index.ts'

const HOST = '127.0.0.1:8787'
const SECRET = 'x'.repeat(32)
const TRUST = { ok: true, steps: [], software: true, trustedParties: [], validUntil: 5 }
const OWNER = { owner: modelOwner(crypto.randomBytes(32)), secret: SECRET }
const BEARER = { authorization: `Bearer ${SECRET}` }

/** What was done with the owner's key, or sent on. */
let acts: string[] = []

function openProxy(options: Partial<ProxyOptions> = {}) {
  acts = []
  const done = (act: string) => async () => {
    acts.push(act)
    return { index: 1, id: 'x', statement: {} } as never
  }
  const models = {
    upload: done('upload'),
    remove: done('remove'),
    list: async () => [],
    show: done('show'),
  } as unknown as SottoModels
  return createProxy({
    sotto: {
      fetch: async () => {
        acts.push('sent on')
        return Response.json({})
      },
      trust: TRUST,
      receipts: [],
      models,
    },
    hosts: [HOST, 'host.docker.internal:8787', 'localhost:8787'],
    owner: OWNER,
    ...options,
  })
}

const remove = (headers: Record<string, string>, host = HOST, path = '/v1/sealed-models/notes'): Request =>
  new Request(`http://${host}${path}`, { method: 'DELETE', headers })

async function codeOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } }
  return [response.status, error.code]
}

describe('a proxy of an owner', () => {
  it.each(['', 'Bearer', 'Bearer ', `Bearer ${SECRET}y`, `Bearer ${'y'.repeat(32)}`, `Basic ${SECRET}`])(
    claim('T21', 'does nothing with the key for %j'),
    async (authorization) => {
      const proxy = openProxy()
      expect(await codeOf(await proxy(remove({ authorization })))).toEqual([401, 'sotto_owner_secret'])
      expect(await codeOf(await proxy(remove({ authorization, 'api-key': SECRET })))).toEqual([
        401,
        'sotto_owner_secret',
      ])
      const form = new FormData()
      form.append('name', 'x')
      const upload = new Request(`http://${HOST}/v1/sealed-models`, {
        method: 'POST',
        body: form,
        headers: { authorization },
      })
      expect((await proxy(upload)).status).toBe(401)
      expect(acts).toEqual([])
    },
  )

  it('does what whoever has the secret asks for', async () => {
    expect((await openProxy()(remove(BEARER))).status).toBe(200)
    expect((await openProxy()(remove(BEARER, 'localhost:8787'))).status).toBe(200)
    expect(acts).toEqual(['remove'])
  })

  it(claim('T21', 'does nothing for a web page, not even one that may use the proxy'), async () => {
    const proxy = openProxy({ origins: ['http://localhost:5173'] })
    for (const headers of [
      { origin: 'http://localhost:5173' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ])
      expect(await codeOf(await proxy(remove({ ...BEARER, ...headers } as Record<string, string>)))).toEqual([
        403,
        'sotto_origin_refused',
      ])
    expect(acts).toEqual([])
  })

  it(claim('T21', 'does nothing under a name that is not of this machine'), async () => {
    const proxy = openProxy()
    // Accepted for everything else, for containers.
    for (const host of ['host.docker.internal:8787', 'evil.example:8787'])
      expect(await codeOf(await proxy(remove(BEARER, host)))).toEqual([403, 'sotto_host_refused'])
    expect((await proxy(new Request('http://host.docker.internal:8787/v1/models'))).status).toBe(200)
    expect(acts).toEqual(['sent on'])
  })

  it('lets the secret in where the proxy has another one, and not the other way round', async () => {
    const proxy = openProxy({ apiKey: 'for-everybody' })
    expect((await proxy(remove(BEARER))).status).toBe(200)
    expect(await codeOf(await proxy(remove({ authorization: 'Bearer for-everybody' })))).toEqual([
      401,
      'sotto_owner_secret',
    ])
    expect(await codeOf(await proxy(remove({})))).toEqual([401, 'invalid_api_key'])
    expect((await proxy(new Request(`http://${HOST}/v1/models`, { headers: BEARER }))).status).toBe(200)
  })

  it('shows without the secret what is in the log anyway', async () => {
    const response = await openProxy()(new Request(`http://${HOST}/v1/sealed-models`))
    expect(await response.json()).toEqual({ object: 'list', data: [] })
  })

  it.each([
    '/v1/sealed%2dmodels',
    '/v1/Sealed-Models/x',
    '/v1//sealed-models',
    '/v1/sealed%2Dmodels/x',
    '/v1/x%2fsealed-models',
    '/v1/%73ealed-models',
    '/v1/se%61led-model%73/x',
    '/v1/%2573ealed-models',
    '/openai/v1/%73ealed-models',
    '/openai/v1/sealed-models',
    '/openai/v1/sealed%2dmodels/x',
    '/openai/deployments/sealed-models/chat/completions',
    '/openai/sealed-models',
  ])('never forwards weights in clear, under whatever name: %s', async (path) => {
    const proxy = openProxy()
    for (const method of ['POST', 'PUT', 'DELETE'])
      for (const headers of [{}, BEARER] as Record<string, string>[]) {
        const body = method === 'DELETE' ? {} : { body: 'weights in clear' }
        const request = new Request(`http://${HOST}${path}`, { method, headers, ...body })
        expect((await proxy(request)).status).toBeGreaterThanOrEqual(400)
      }
    expect(acts).toEqual([])
  })
})

it('takes no secret that could be guessed, and listens for an owner on this machine only', async () => {
  expect(() => openProxy({ owner: { ...OWNER, secret: 'x'.repeat(31) } })).toThrow(
    expect.objectContaining({ code: 'PROXY_CONFIG' }),
  )
  const { fetch } = globalThis
  const sotto = { fetch, trust: TRUST, receipts: [] }
  for (const options of [
    { host: '0.0.0.0', apiKey: 'secret', owner: OWNER },
    { owner: { ...OWNER, secret: 'short' } },
  ])
    await expect(startProxy({ sotto, port: 0, ...options })).rejects.toMatchObject({ code: 'PROXY_CONFIG' })
})
