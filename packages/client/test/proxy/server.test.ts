import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningProxy, startProxy } from '../../src/proxy/index.ts'

const TRUST = { ok: true, steps: [], software: false, trustedParties: [], validUntil: 5 }
let running: RunningProxy | undefined

async function start(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  extra: object = {},
): Promise<string> {
  running = await startProxy({
    sotto: { fetch: fetch as unknown as typeof globalThis.fetch, trust: TRUST, receipts: [] },
    port: 0,
    ...extra,
  })
  return running.url
}

afterEach(async () => {
  await running?.close()
  running = undefined
})

describe('startProxy', () => {
  it('streams an upload while the answer already streams back', async () => {
    const url = await start(async (_url, init) => new Response(init.body as ReadableStream))
    let feed!: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) })
    const responding = fetch(`${url}/v1/echo`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    feed.enqueue(new Uint8Array([1]))
    const reader = (await responding).body!.getReader()
    expect((await reader.read()).value).toEqual(new Uint8Array([1]))
    feed.enqueue(new Uint8Array([2]))
    expect((await reader.read()).value).toEqual(new Uint8Array([2]))
    feed.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('answers an upload in its middle, and the next request on the same connection', async () => {
    const url = await start(async (_url, init) => {
      if (init.method === 'GET') return Response.json({ next: true })
      const reader = (init.body as ReadableStream<Uint8Array>).getReader()
      await reader.read()
      await reader.cancel()
      return Response.json({ enough: true }, { status: 413 })
    })
    const { hostname, port } = new URL(url)
    const socket = connectTcp(Number(port), hostname)
    let received = ''
    socket.on('data', (data: Buffer) => void (received += data.toString('latin1')))
    const size = 20_000_000
    socket.write(`POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${size}\r\n\r\nabc`)
    await expect.poll(() => received).toContain('{"enough":true}')
    socket.write(new Uint8Array(size - 3))
    socket.write(`GET /v1/y HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    await expect.poll(() => received).toContain('{"next":true}')
    socket.destroy()
  })

  it('cancels upstream when the client goes away while the answer streams', async () => {
    const cancelled = Promise.withResolvers<void>()
    const url = await start(async () => {
      const start = (controller: ReadableStreamDefaultController): void =>
        controller.enqueue(new Uint8Array([1]))
      return new Response(new ReadableStream({ start, cancel: () => cancelled.resolve() }))
    })
    const stop = new AbortController()
    const response = await fetch(`${url}/v1/slow`, { signal: stop.signal })
    await response.body!.getReader().read()
    stop.abort()
    await cancelled.promise
  })

  it('aborts upstream when the client goes away before there is an answer', async () => {
    const reached = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const url = await start(
      (_url, init) =>
        new Promise((_, reject) => {
          init.signal!.addEventListener('abort', () => {
            aborted.resolve()
            reject(init.signal!.reason as Error)
          })
          reached.resolve()
        }),
    )
    const stop = new AbortController()
    const responding = fetch(`${url}/v1/slow`, { signal: stop.signal }).catch((error: Error) => error.name)
    await reached.promise
    stop.abort()
    await aborted.promise
    expect(await responding).toBe('AbortError')
  })

  it('cuts the connection when the answer was cut', async () => {
    const url = await start(async () => {
      let sent = false
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (sent) return controller.error(new Error('cut'))
            sent = true
            controller.enqueue(new TextEncoder().encode('data: {"half":'))
          },
        }),
      )
    })
    const response = await fetch(`${url}/v1/chat/completions`)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  it('gives a program the reason before it cuts an event stream', async () => {
    const url = await start(async () => {
      let sent = false
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent) return controller.error(new Error('cut'))
          sent = true
          controller.enqueue(new TextEncoder().encode('data: {"a":1}\n\n'))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    const response = await fetch(`${url}/v1/chat/completions`)
    let text = ''
    const read = async (): Promise<void> => {
      for await (const part of response.body!) text += new TextDecoder().decode(part as Uint8Array)
    }
    await expect(read()).rejects.toThrow()
    expect(text).toMatch(/^data: \{"a":1\}\n\ndata: \{"error":\{.*"code":"sotto_internal".*\}\}\n\n$/)
  })

  it.each([
    ['an absolute target', 'GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
    ['a Host that hides a path', 'GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1/x\r\n\r\n'],
    ['a Host with user information', 'GET /v1/models HTTP/1.1\r\nHost: a@127.0.0.1\r\n\r\n'],
  ])('refuses %s', async (_, text) => {
    const url = new URL(await start(async () => Response.json({})))
    const socket = connectTcp(Number(url.port), '127.0.0.1')
    socket.write(text)
    const [data] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(data.toString().split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(data.toString()).toMatch(/^x-request-id: req_[0-9a-f]{32}\r$/m)
  })

  it('does not listen beyond this machine without a secret', async () => {
    await expect(start(async () => Response.json({}), { host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'PROXY_CONFIG',
    })
  })

  it('does not listen at all with a host name it could never accept', async () => {
    const port = Number(new URL(await start(async () => Response.json({}))).port)
    await running!.close()
    const options = { port, allowedHosts: ['bad host'] }
    await expect(start(async () => Response.json({}), options)).rejects.toMatchObject({
      code: 'PROXY_CONFIG',
      found: 'bad host',
    })
    await start(async () => Response.json({}), { port })
  })

  it('names the address that is in use', async () => {
    const url = new URL(await start(async () => Response.json({})))
    const first = running!
    await expect(start(async () => Response.json({}), { port: Number(url.port) })).rejects.toMatchObject({
      code: 'PROXY_CONFIG',
      found: 'EADDRINUSE',
    })
    running = first
  })
})
