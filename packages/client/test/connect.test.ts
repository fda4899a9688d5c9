import { describe, expect, it } from 'vitest'
import { open, post, posts } from './support/open.ts'
import { createService } from './support/service.ts'

describe('sotto.fetch', () => {
  it('sends inside the encryption and answers with what the enclave said', async () => {
    const service = await createService()
    service.knobs.app = async (request) => Response.json({ echo: await request.text() }, { status: 201 })
    const sotto = await open(service)
    const response = await post(sotto, 'a secret')
    expect([response.status, await response.json()]).toEqual([201, { echo: 'a secret' }])
    expect(service.outerCalls.map(({ method, path }) => [method, path])).toEqual([
      ['GET', '/relay/inference/trust'],
      ['POST', '/relay/inference'],
    ])
    expect(Buffer.from(posts(service)[0]!.body).includes('secret')).toBe(false)
  })

  it('reaches the app of the enclave by its own origin, with a receipt', async () => {
    const service = await createService()
    service.knobs.app = ({ method, url }) => Response.json([method, url])
    const sotto = await open(service)
    const response = await sotto.fetch(`${sotto.appURL}/generate`, { method: 'POST', body: 'a secret' })
    expect(await response.json()).toEqual(['POST', 'https://app.sotto/generate'])
    expect(service.outerCalls.map(({ path }) => path)).toEqual(['/relay/inference/trust', '/relay/inference'])
    expect(await sotto.receiptOf(response)).toBeDefined()
    await expect(sotto.fetch('https://app.sotto.example/generate')).rejects.toMatchObject({
      code: 'REQUEST_ORIGIN',
      expected: 'https://inference.sotto/... or https://app.sotto/...',
    })
  })

  it('passes an inner error through as the enclave’s own answer, without retry', async () => {
    const service = await createService()
    service.knobs.app = () => Response.json({ error: { code: 'internal' } }, { status: 500 })
    const response = await post(await open(service))
    expect([response.status, posts(service).length]).toEqual([500, 1])
  })

  it('streams the answer as it comes', async () => {
    const service = await createService()
    let feed!: ReadableStreamDefaultController<Uint8Array>
    service.knobs.app = () =>
      new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) }), {
        headers: { 'content-type': 'text/event-stream' },
      })
    const response = await post(await open(service))
    const reader = response.body!.getReader()
    feed.enqueue(new TextEncoder().encode('data: 1\n\n'))
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n')
    feed.enqueue(new TextEncoder().encode('data: 2\n\n'))
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 2\n\n')
    feed.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('sends forms with their text fields first', async () => {
    const service = await createService()
    const form = new FormData()
    form.append('file', new File(['RIFF'], 'a.wav'))
    form.append('model', 'whisper')
    service.knobs.app = async (request) => Response.json([...(await request.formData()).keys()])
    expect(await (await post(await open(service), form)).json()).toEqual(['model', 'file'])
  })

  it('answers a status without content', async () => {
    const service = await createService()
    service.knobs.app = () => new Response(null, { status: 204 })
    const response = await post(await open(service))
    expect([response.status, response.body]).toEqual([204, null])
  })

  it('refuses an address outside the enclave before anything is sent', async () => {
    const service = await createService()
    const sotto = await open(service)
    await expect(sotto.fetch('https://api.openai.com/v1/models')).rejects.toMatchObject({
      code: 'REQUEST_ORIGIN',
    })
    expect(posts(service)).toEqual([])
  })
})

describe('cancelling', () => {
  it('before anything is sent sends nothing', async () => {
    const service = await createService()
    const sotto = await open(service)
    await expect(post(sotto, '{}', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(posts(service)).toEqual([])
  })

  it('while the answer streams ends the body with the reason, also when nothing is being sent', async () => {
    const service = await createService()
    const gone = Promise.withResolvers<void>()
    service.knobs.app = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (c) => c.enqueue(new Uint8Array(9)),
          cancel: () => gone.resolve(),
        }),
      )
    const stop = new AbortController()
    const response = await post(await open(service), '{}', { signal: stop.signal })
    const reader = response.body!.getReader()
    await reader.read()
    stop.abort(new Error('enough'))
    await gone.promise
    await expect(reader.read()).rejects.toThrow('enough')
  })

  it('the body cancels upstream without waiting for the next word', async () => {
    const service = await createService()
    const gone = Promise.withResolvers<void>()
    service.knobs.app = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (c) => c.enqueue(new Uint8Array(9)),
          cancel: () => gone.resolve(),
        }),
      )
    const reader = (await post(await open(service))).body!.getReader()
    await reader.read()
    await reader.cancel()
    await gone.promise
  })

  it('surfaces what the caller’s own body throws', async () => {
    const service = await createService()
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(40_000))
        if (this.count++ > 3) controller.error(new Error('disk failed'))
      },
      count: 0,
    } as UnderlyingDefaultSource<Uint8Array> & { count: number })
    await expect(post(await open(service), body)).rejects.toThrow('disk failed')
    expect(service.innerCalls).toEqual([])
  })
})

describe('the verdict', () => {
  it('is kept until it runs out and then verified again', async () => {
    const service = await createService()
    let now = service.world.now
    const names: string[] = []
    const sotto = await open(service, { now: () => now, onStep: ({ name }) => names.push(name) })
    await (await post(sotto)).text()
    const steps = names.length
    expect(steps).toBe(sotto.trust.steps.length)
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(1)
    now = sotto.trust.validUntil
    await Promise.all([post(sotto), post(sotto)])
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(2)
    expect(names).toHaveLength(2 * steps)
  })
})
