import { Agent, createServer, type RequestListener } from 'node:http'
import { connect, createServer as createTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { forward, type ForwardOptions } from '../../src/app/forward.ts'
import { createByteBudget } from '../../src/ram/byte-budget.ts'
import { temporaryFolder } from './real-app.ts'

const decoder = new TextDecoder()

async function reach(path: string, change: Partial<ForwardOptions> = {}): Promise<ForwardOptions> {
  const agent = new Agent({ keepAlive: true, timeout: 1000 })
  agent.createConnection = () => connect({ path })
  onTestFinished(() => agent.destroy())
  const budget = createByteBudget(4 * 2 ** 20, () => new Error('full'))
  return { agent, budget, idleMs: 2000, ...change }
}

/** An app behind a Unix socket, as the bridge makes one of it. */
async function appThat(
  listener: RequestListener,
  change: Partial<ForwardOptions> = {},
): Promise<ForwardOptions> {
  const path = join(temporaryFolder(), 'app.sock')
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return reach(path, change)
}

/** An app that speaks no HTTP of Node. */
async function appThatSays(
  answer: string | ((socket: Socket) => void),
  change: Partial<ForwardOptions> = {},
) {
  const path = join(temporaryFolder(), 'app.sock')
  const server = createTcp((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => (typeof answer === 'string' ? socket.end(answer, 'latin1') : answer(socket)))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => void server.close())
  return reach(path, change)
}

const get = (path = '/', init: RequestInit = {}): Request => new Request(`https://app.sotto${path}`, init)
const post = (body: BodyInit, init: RequestInit = {}): Request =>
  get('/', { method: 'POST', body, ...init, duplex: 'half' } as RequestInit)
const pieces = (...parts: readonly (Uint8Array | Error)[]): ReadableStream<Uint8Array> => {
  const left = [...parts]
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift()
      if (next === undefined) controller.close()
      else if (next instanceof Error) controller.error(next)
      else controller.enqueue(next)
    },
  })
}

describe('a request', () => {
  it('arrives with method, path, content and admitted fields, and nothing else', async () => {
    const options = await appThat(async (request, response) => {
      const content = await Array.fromAsync(request)
      const { method, url, rawHeaders } = request
      response.end(JSON.stringify({ method, url, rawHeaders, content: Buffer.concat(content).toString() }))
    })
    const headers = {
      accept: 'a/b',
      'content-type': 'c/d',
      authorization: 'Bearer x',
      cookie: 'e=f',
      'x-real-ip': '::',
    }
    const response = await forward(
      new Request('https://app.sotto/p/q?r=%20s', { method: 'PUT', body: 'text', headers }),
      options,
    )
    const { method, url, rawHeaders, content } = (await response.json()) as Record<string, string[]>
    expect([method, url, content]).toEqual(['PUT', '/p/q?r=%20s', 'text'])
    const found = Object.fromEntries(
      Array.from({ length: rawHeaders!.length / 2 }, (_, i) => [
        rawHeaders![2 * i]!.toLowerCase(),
        rawHeaders![2 * i + 1],
      ]),
    )
    expect(found).toEqual({
      host: 'app.sotto',
      accept: 'a/b',
      'content-type': 'c/d',
      'content-length': '4',
      connection: 'keep-alive',
    })
  })

  it('has a length up to a megabyte, and comes in pieces beyond', async () => {
    const options = await appThat(async (request, response) => {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
      let bytes = 0
      for await (const piece of request) bytes += (piece as Buffer).length
      response.end(JSON.stringify([length ?? null, encoding ?? null, bytes]))
    })
    const sizes = async (bytes: number) =>
      (
        await forward(
          post(pieces(...Array.from({ length: bytes / 1024 }, () => new Uint8Array(1024)))),
          options,
        )
      ).json()
    expect(await sizes(2 ** 20)).toEqual([`${2 ** 20}`, null, 2 ** 20])
    expect(await sizes(3 * 2 ** 20)).toEqual([null, 'chunked', 3 * 2 ** 20])
    expect(await (await forward(post(''), options)).json()).toEqual(['0', null, 0])
  })

  it('comes in pieces at once where there is no memory to hold it, which is given back', async () => {
    let taken = 0
    const budget = {
      take(bytes: number) {
        if (taken + bytes > 65_536) throw new Error('full')
        taken += bytes
        return () => void (taken -= bytes)
      },
    }
    const options = await appThat(
      async (request, response) =>
        response.end(
          `${request.headers['transfer-encoding']} ${(await Array.fromAsync(request)).length > 0}`,
        ),
      { budget },
    )
    expect(
      await (await forward(post(pieces(new Uint8Array(40_000), new Uint8Array(40_000))), options)).text(),
    ).toBe('chunked true')
    expect(await (await forward(post(pieces(new Uint8Array(8))), options)).text()).toBe('undefined true')
    expect(taken).toBe(0)
  })

  it('that is cut never looks whole to the app', async () => {
    const seen: string[] = []
    const options = await appThat(async (request) => {
      try {
        for await (const _ of request);
        seen.push('whole')
      } catch {
        seen.push('cut')
      }
    })
    const cut = new Error('cut')
    const long = pieces(...Array.from({ length: 20 }, () => new Uint8Array(2 ** 17)), cut)
    await expect(forward(post(long), options)).rejects.toBeDefined()
    await expect.poll(() => seen).toEqual(['cut'])
    await expect(forward(post(pieces(new Uint8Array(5), cut)), options)).rejects.toBe(cut)
    expect(seen).toEqual(['cut'])
  })

  it('that nobody waits for ends at the app too, before and within its answer', async () => {
    const ends: string[] = []
    const options = await appThat((request, response) => {
      response.once('close', () => ends.push(request.url!))
      if (request.url === '/begun') response.write('some')
    })
    for (const path of ['/silent', '/begun']) {
      const leaving = new AbortController()
      const answer = forward(get(path, { signal: leaving.signal }), options)
      if (path === '/begun') await (await answer).body!.getReader().read()
      else setTimeout(() => leaving.abort(new Error('left')), 50)
      if (path === '/silent') await expect(answer).rejects.toThrow('left')
      else leaving.abort(new Error('left'))
      await expect.poll(() => ends).toContain(path)
    }
  })
})

describe('a request that the app does not take', () => {
  const MIB = new Uint8Array(2 ** 20)
  /** A body without an end, and whether somebody said that nobody wants more of it. */
  function endless() {
    const state = { isCancelled: false }
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(MIB.slice()),
      cancel: () => void (state.isCancelled = true),
    })
    return { state, stream }
  }
  /** A budget that says how much of it is taken. */
  function counted() {
    const state = { taken: 0 }
    const take = (bytes: number) => {
      state.taken += bytes
      return () => void (state.taken -= bytes)
    }
    return { state, take }
  }
  const socketsOf = ({ agent }: ForwardOptions): number => Object.values(agent.sockets).flat().length

  /** An app that answers, keeps the connection, and reads nothing more of it. */
  const answersUnread = (head: string, change: Partial<ForwardOptions> = {}): Promise<ForwardOptions> =>
    appThatSays((socket) => void socket.pause().write(`HTTP/1.1 ${head}`), change)

  it.each<[string, string]>([
    ['with content', '413 X\r\ncontent-length: 1\r\n\r\nx'],
    ['without content', '204 X\r\n\r\n'],
  ])('keeps no connection once it is answered %s', async (_, head) => {
    const budget = counted()
    const options = await answersUnread(head, { budget })
    options.agent.maxSockets = 1
    for (let i = 0; i < 3; i++) {
      const { state, stream } = endless()
      await (await forward(post(stream), options)).text()
      await expect
        .poll(() => [state.isCancelled, socketsOf(options), budget.state.taken])
        .toEqual([true, 0, 0])
    }
  })

  it('keeps none either where nobody reads the answer to its end', async () => {
    const options = await answersUnread('200 X\r\ncontent-length: 1\r\n\r\nx')
    const { state, stream } = endless()
    const response = await forward(post(stream), options)
    await response.body!.cancel()
    await expect.poll(() => [state.isCancelled, socketsOf(options)]).toEqual([true, 0])
  })

  it('waits for a connection no longer than for an answer, and not at all when its client leaves', async () => {
    const options = await appThat(() => undefined, { idleMs: 150 })
    options.agent.maxSockets = 1
    const leaving = new AbortController()
    const first = forward(get('/first', { signal: leaving.signal }), { ...options, idleMs: 60_000 })
    await expect(forward(get(), options)).rejects.toMatchObject({ code: 'APP_TIMEOUT' })
    const left = new AbortController()
    setTimeout(() => left.abort(new Error('left')), 20)
    await expect(forward(get('/', { signal: left.signal }), options)).rejects.toThrow('left')
    leaving.abort(new Error('left'))
    await expect(first).rejects.toThrow('left')
  })

  it('gives its memory back where no connection can be begun, whole or in pieces', async () => {
    for (const fail of [
      () => {
        throw new Error('no connection')
      },
      (_: unknown, done?: (error: Error) => void) => done!(new Error('no connection')),
    ]) {
      const budget = counted()
      const options = await appThat(() => undefined, { budget })
      options.agent.createConnection = fail as never
      const { state, stream } = endless()
      await expect(forward(post(stream), options)).rejects.toBeDefined()
      await expect(forward(post(pieces(new Uint8Array(1000))), options)).rejects.toBeDefined()
      await expect.poll(() => [state.isCancelled, budget.state.taken]).toEqual([true, 0])
    }
  })
})

describe('an answer', () => {
  it('passes as it comes', async () => {
    let next = (): void => undefined
    const options = await appThat((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
      next = () => response.end('data: 2\n\n')
    })
    const response = await forward(get(), options)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body!.getReader()
    expect(decoder.decode((await reader.read()).value)).toBe('data: 1\n\n')
    next()
    expect(decoder.decode((await reader.read()).value)).toBe('data: 2\n\n')
    expect((await reader.read()).done).toBe(true)
  })

  it('says nothing about the connection, and nothing in the name of the gateway', async () => {
    const options = await appThat((_, response) => {
      response.writeHead(201, {
        connection: 'x-hop, keep-alive',
        'x-hop': '1',
        'x-kept': '2',
        'sotto-token': 'spent',
        'sotto-receipt': 'x',
        'x-request-id': 'req_1',
        'www-authenticate': 'PrivateToken challenge="x"',
        'x-should-retry': 'true',
        date: 'Mon, 01 Jan 2029 00:00:00 GMT',
        server: 'x',
        via: 'x',
        'set-cookie': ['a=1', 'b=2'],
      })
      response.end('text')
    })
    const response = await forward(get(), options)
    expect([response.status, await response.text()]).toEqual([201, 'text'])
    expect([...response.headers]).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-kept', '2'],
    ])
  })

  it.each([204, 304])('of status %i has no content', async (status) => {
    const options = await appThat((_, response) => response.writeHead(status).end())
    const response = await forward(get(), options)
    expect([response.status, response.body]).toEqual([status, null])
  })

  it('without a length ends with its connection', async () => {
    const options = await appThatSays('HTTP/1.0 200 OK\r\ncontent-type: a/b\r\n\r\nall of it')
    expect(await (await forward(get(), options)).text()).toBe('all of it')
  })

  it.each<[string, string]>([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all'],
    ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc'],
  ])('with %s that breaks off fails, and does not end', async (_, answer) => {
    const response = await forward(get(), await appThatSays(answer))
    await expect(response.text()).rejects.toMatchObject({ code: 'APP_NO_ANSWER' })
  })

  it.each<[string, string]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n'],
    ['headers that are too large', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`],
    [
      'too many headers',
      `HTTP/1.1 200 OK\r\n${Array.from({ length: 200 }, (_, i) => `x${i}: a\r\n`).join('')}content-length: 0\r\n\r\n`,
    ],
    ['a header with a control character', 'HTTP/1.1 200 OK\r\nx: a\u0001b\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ],
  ])('with %s is refused', async (_, answer) => {
    await expect(forward(get(), await appThatSays(answer))).rejects.toMatchObject({
      code: 'APP_ANSWER_MALFORMED',
      action: 'retry',
    })
  })

  it.each<[string, string | ((socket: Socket) => void)]>([
    ['nothing', (socket) => socket.end()],
    ['a broken connection', (socket) => socket.destroy()],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: '],
  ])('that is %s is none', async (_, answer) => {
    await expect(forward(get(), await appThatSays(answer))).rejects.toMatchObject({ code: 'APP_NO_ANSWER' })
  })

  it('is none where nobody listens', async () => {
    const options = await reach(join(temporaryFolder(), 'nobody.sock'))
    await expect(forward(get(), options)).rejects.toMatchObject({ code: 'APP_NO_ANSWER' })
  })

  it('that does not come in time is not waited for, however many lines come before it', async () => {
    const silent = await appThat(() => undefined, { idleMs: 100 })
    await expect(forward(get(), silent)).rejects.toMatchObject({ code: 'APP_TIMEOUT' })
  })
})

describe('a kept connection', () => {
  it('is used again', async () => {
    const ports = new Set<Socket>()
    const options = await appThat((request, response) => {
      ports.add(request.socket)
      response.end('x')
    })
    for (let i = 0; i < 3; i++) await (await forward(get(), options)).text()
    expect(ports.size).toBe(1)
  })

  it('that the app closes in that moment costs no reading request, and repeats no other', async () => {
    const requests: string[] = []
    const path = join(temporaryFolder(), 'app.sock')
    const server = createTcp((socket) => {
      let count = 0
      socket.on('error', () => undefined)
      socket.on('data', (piece) => {
        requests.push(piece.toString().slice(0, 4))
        if (count++ > 0) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => void server.close())
    const options = await reach(path)
    const ask = async (request: Request) => (await forward(request, options)).text()
    expect(await ask(get())).toBe('ok')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await ask(get())).toBe('ok')
    expect(requests).toEqual(['GET ', 'GET ', 'GET '])
    await new Promise((resolve) => setImmediate(resolve))
    await expect(ask(post('x'))).rejects.toMatchObject({ code: 'APP_NO_ANSWER' })
    expect(requests.filter((each) => each === 'POST')).toHaveLength(1)
  })
})
