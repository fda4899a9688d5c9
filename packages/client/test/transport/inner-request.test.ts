import { describe, expect, it } from 'vitest'
import { prepareRequest } from '../../src/transport/inner-request.ts'

const URL_BASE = 'https://inference.sotto/v1'

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString()
}

function slowStream(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks[at++]
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

describe('prepareRequest', () => {
  it('keeps nothing of the headers that say who asks', async () => {
    const { headers } = await prepareRequest(`${URL_BASE}/chat/completions`, {
      method: 'POST',
      body: '{}',
      headers: {
        Authorization: 'Bearer secret',
        'api-key': 'secret',
        Cookie: 'session=1',
        'User-Agent': 'OpenAI/JS',
        'X-Stainless-OS': 'Linux',
        'openai-organization': 'org',
        'idempotency-key': 'a',
        'x-forwarded-for': '1.2.3.4',
        'accept-language': 'de-CH',
        Accept: 'application/json',
        'Content-Type': 'application/json',
      },
    })
    expect(headers).toEqual([
      ['accept', 'application/json'],
      ['content-type', 'application/json'],
    ])
  })

  it.each([
    ['http', 'http://inference.sotto/v1/models'],
    ['another host', 'https://api.openai.com/v1/models'],
    ['another port', 'https://inference.sotto:8443/v1/models'],
    ['user information', 'https://a:b@inference.sotto/v1/models'],
    ['a host that starts alike', 'https://inference.sotto.evil.example/v1/models'],
    ['a relative path', '/v1/models'],
    ['the app over http', 'http://app.sotto/generate'],
    ['another port of the app', 'https://app.sotto:8443/generate'],
    ['user information for the app', 'https://a:b@app.sotto/generate'],
    ['a host that starts like the app', 'https://app.sotto.evil.example/generate'],
    ['a host below the app', 'https://www.app.sotto/generate'],
    ['a host with a dot at its end', 'https://app.sotto./generate'],
    ['the domain of both', 'https://sotto/generate'],
  ])('refuses %s', async (_, url) => {
    await expect(prepareRequest(url)).rejects.toMatchObject({ code: 'REQUEST_ORIGIN' })
  })

  it.each([
    ['the models', 'https://inference.sotto/v1/models?x=1', 'inference.sotto', '/v1/models?x=1'],
    ['the app', 'https://app.sotto/generate?x=1', 'app.sotto', '/generate?x=1'],
    ['the app, by its name alone', 'https://app.sotto', 'app.sotto', '/'],
    ['the app, in capital letters', 'HTTPS://APP.SOTTO:443/generate', 'app.sotto', '/generate'],
  ])('sends to %s', async (_, url, authority, path) => {
    expect(await prepareRequest(url)).toMatchObject({ authority, path })
    expect(await prepareRequest(new Request(url))).toMatchObject({ authority, path })
  })

  it('does not put path or query into the message of a refusal', async () => {
    const error = await prepareRequest('https://other.example/prompt?q=secret').catch(
      (caught: Error) => caught,
    )
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('secret')
  })

  it.each([
    ['a GET with a body', { method: 'GET', body: 'x' }],
    ['an unknown method', { method: 'TRACE' }],
    ['a body of unknown type', { method: 'POST', body: 7 as unknown as BodyInit }],
  ])('refuses %s', async (_, init) => {
    await expect(prepareRequest(`${URL_BASE}/x`, init)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  it.each([
    ['text', 'a b', 'text/plain;charset=UTF-8', 'a b'],
    ['bytes', new TextEncoder().encode('bytes'), undefined, 'bytes'],
    ['a buffer', new TextEncoder().encode('buffer').buffer, undefined, 'buffer'],
    ['a blob', new Blob(['blob'], { type: 'audio/wav' }), 'audio/wav', 'blob'],
    [
      'parameters',
      new URLSearchParams({ a: 'b c' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
      'a=b+c',
    ],
  ])('takes %s, twice the same', async (_, body, type, text) => {
    const request = await prepareRequest(`${URL_BASE}/x`, { method: 'POST', body })
    expect(new Map(request.headers).get('content-type')).toBe(type)
    expect(request.body.replayable).toBe(true)
    expect([await textOf(request.body.stream()), await textOf(request.body.stream())]).toEqual([text, text])
  })

  it('copies bytes, so that a caller who reuses its buffer changes nothing', async () => {
    const bytes = new TextEncoder().encode('one')
    const request = await prepareRequest(`${URL_BASE}/x`, { method: 'POST', body: bytes })
    bytes.fill(0)
    expect(await textOf(request.body.stream())).toBe('one')
  })

  it('takes a Request, and lets init win over it', async () => {
    const base = new Request(`${URL_BASE}/x?y=1`, { method: 'POST', body: 'one', headers: { accept: 'a/b' } })
    const request = await prepareRequest(base, { headers: { accept: 'c/d' } })
    expect([request.method, request.path, request.headers]).toEqual([
      'POST',
      '/v1/x?y=1',
      [['accept', 'c/d']],
    ])
    expect(await textOf(request.body.stream())).toBe('one')
  })

  it('can replay a short stream, and sends a long one once without holding it', async () => {
    const short = await prepareRequest(`${URL_BASE}/x`, {
      method: 'POST',
      body: slowStream([new Uint8Array(60_000)]),
    })
    expect(short.body.replayable).toBe(true)
    const long = await prepareRequest(`${URL_BASE}/x`, {
      method: 'POST',
      body: slowStream([new Uint8Array(60_000), new Uint8Array(60_000), new Uint8Array(7)]),
    })
    expect(long.body.replayable).toBe(false)
    expect((await Array.fromAsync(long.body.stream())).map((part) => part.length)).toEqual([
      60_000, 60_000, 7,
    ])
    expect(() => long.body.stream()).toThrow('once')
  })

  it('cancels the source when sending stops', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(40_000)),
      cancel: () => void (cancelled = true),
    })
    const request = await prepareRequest(`${URL_BASE}/x`, { method: 'POST', body })
    for await (const part of request.body.stream()) if (part.length > 0) break
    expect(cancelled).toBe(true)
  })

  it('overrides a content type that lacks the boundary of a form', async () => {
    const form = new FormData()
    form.append('file', new File(['x'], 'x.wav'))
    form.append('model', 'm')
    const request = await prepareRequest(`${URL_BASE}/audio/transcriptions`, {
      method: 'POST',
      body: form,
      headers: { 'content-type': 'multipart/form-data' },
    })
    expect(request.headers[0]![1]).toMatch(/^multipart\/form-data; fields=first; boundary=sotto-/)
    expect(await textOf(request.body.stream())).toMatch(/name="model"[\s\S]*name="file"/)
  })
})
