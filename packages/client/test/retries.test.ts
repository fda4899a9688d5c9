import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { oneShot, open, post, posts } from './support/open.ts'
import { createService } from './support/service.ts'

describe('a key the gateway does not hold', () => {
  it('is verified anew and the request sent once more under fresh keys', async () => {
    const service = await createService()
    const sotto = await open(service)
    const { policy } = service.world
    await service.rotate()
    // The deployment is another one altogether, so the pinned policy must refuse it.
    await expect(post(sotto)).rejects.toMatchObject({ code: 'VERIFY_REFUSED' })
    expect(service.world.policy).not.toEqual(policy)
  })

  it('is retried once only, and only when the body can be sent again', async () => {
    const service = await createService()
    service.knobs.outer = ({ method }) =>
      method === 'POST' ? new Response(null, { status: 422 }) : undefined
    const sotto = await open(service)
    await expect(post(sotto)).rejects.toMatchObject({ code: 'KEY_UNKNOWN', action: 'retry' })
    expect(service.outerCalls.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST'])
    service.outerCalls.length = 0
    await expect(post(sotto, oneShot(200_000))).rejects.toMatchObject({ code: 'KEY_UNKNOWN' })
    expect(service.outerCalls.map(({ method }) => method)).toEqual(['POST', 'GET'])
  })

  it('succeeds when the gateway holds it after all', async () => {
    const service = await createService()
    let refusals = 1
    service.knobs.outer = ({ method }) =>
      method === 'POST' && refusals-- > 0 ? new Response(null, { status: 422 }) : undefined
    expect((await post(await open(service))).status).toBe(200)
    expect(
      new Set(posts(service).map(({ body }) => Buffer.from(body.subarray(7, 71)).toString('hex'))).size,
    ).toBe(2)
  })

  it.each([409, 429, 503])(
    'says not to send it a third time when the second one gets a %i',
    async (status) => {
      const service = await createService()
      let refusals = 1
      service.knobs.outer = ({ method }) =>
        method === 'POST' && refusals-- > 0 ? new Response(null, { status: 422 }) : undefined
      service.knobs.app = () => Response.json({ error: { message: 'busy' } }, { status })
      const sotto = await open(service)
      const client = new OpenAI({ baseURL: sotto.baseURL, fetch: sotto.fetch, apiKey: 'none', maxRetries: 2 })
      const asked = client.chat.completions.create({ model: 'm', messages: [] })
      await expect(asked).rejects.toMatchObject({ status })
      expect(service.innerCalls.map(({ headers }) => headers['sotto-replaces'])).toEqual([
        expect.stringMatching(/^[\w-]{43}$/),
      ])
      // Only of that one: what took no message's place may be sent again.
      expect((await post(sotto)).headers.get('x-should-retry')).toBeNull()
    },
  )

  it('makes concurrent requests verify once together', async () => {
    const service = await createService()
    let refusals = 3
    service.knobs.outer = ({ method }) =>
      method === 'POST' && refusals-- > 0 ? new Response(null, { status: 422 }) : undefined
    const sotto = await open(service)
    await Promise.all([post(sotto), post(sotto), post(sotto)])
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(2)
  })
})

describe('a clock that is off', () => {
  it('is corrected by the enclave’s for one retry', async () => {
    const service = await createService()
    service.knobs.clockOffsetMs = 600_000
    const sotto = await open(service)
    expect((await post(sotto)).status).toBe(200)
    expect(service.innerCalls.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(2)
  })

  it('is reported when the retry cannot help', async () => {
    const service = await createService()
    service.knobs.clockOffsetMs = 600_000
    const response = await post(await open(service), oneShot(200_000))
    expect([response.status, ((await response.json()) as { type: string }).type]).toEqual([
      400,
      'https://iana.org/assignments/http-problem-types#date',
    ])
    expect(service.innerCalls).toHaveLength(1)
  })

  it('is not assumed for another 400', async () => {
    const service = await createService()
    const problem = { type: 'about:blank', title: 'x'.repeat(40_000) }
    service.knobs.app = () =>
      Response.json(problem, { status: 400, headers: { 'content-type': 'application/problem+json' } })
    const response = await post(await open(service))
    expect(await response.json()).toEqual(problem)
    expect(service.innerCalls.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(1)
  })

  it('is not assumed where the answer says no time: an app wrote it, whose answers have none', async () => {
    const service = await createService()
    const problem = { type: 'https://iana.org/assignments/http-problem-types#date' }
    service.knobs.app = () =>
      Response.json(problem, { status: 400, headers: { 'content-type': 'application/problem+json' } })
    const response = await post(await open(service))
    expect(await response.json()).toEqual(problem)
    expect(service.innerCalls.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(1)
  })
})
