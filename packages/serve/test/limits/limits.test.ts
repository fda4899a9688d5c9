import { expect, test } from 'vitest'
import { createConcurrencyLimiter, createRateLimiter, readBody } from '../../src/limits/index.ts'

function request(parts: string[], headers: Record<string, string> = {}): Request {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
  return new Request('http://x/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

test('a body of exactly the bound passes, one byte more does not', async () => {
  expect(await readBody(request(['ab', 'cd']), 4)).toEqual(new TextEncoder().encode('abcd'))
  await expect(readBody(request(['ab', 'cde']), 4)).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' })
})

test('a declared length over the bound is refused before a byte is read', async () => {
  const message = request(['x'], { 'content-length': '5' })
  await expect(readBody(message, 4)).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' })
  expect(message.bodyUsed).toBe(false)
})

test('a declared length does not let more than the bound in', async () => {
  await expect(readBody(request(['abcdef'], { 'content-length': '1' }), 4)).rejects.toMatchObject({
    code: 'HTTP_BODY_TOO_LARGE',
  })
})

test('a body that fails is cut, not short', async () => {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(1))
      controller.error(new Error('gone'))
    },
  })
  await expect(readBody(new Response(body), 4)).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
})

test('no body is an empty one', async () => {
  expect(await readBody(new Request('http://x/'), 4)).toHaveLength(0)
})

test('the token bucket allows its burst and then its rate', () => {
  let now = 0
  const limiter = createRateLimiter({ capacity: 2, perSecond: 1 }, () => now)
  limiter.take()
  limiter.take()
  expect(() => limiter.take()).toThrowError(expect.objectContaining({ code: 'HTTP_TOO_MANY' }))
  now = 1000
  limiter.take()
  expect(() => limiter.take()).toThrowError(expect.objectContaining({ code: 'HTTP_TOO_MANY' }))
  now = 1_000_000
  limiter.take()
  limiter.take()
  expect(() => limiter.take()).toThrowError(expect.objectContaining({ code: 'HTTP_TOO_MANY' }))
})

test('the concurrency limiter runs so many, queues so many and refuses the rest', async () => {
  const limiter = createConcurrencyLimiter({ running: 1, waiting: 1 })
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = limiter.run(async () => {
    await gate.promise
    order.push('first')
    throw new Error('failed')
  })
  const second = limiter.run(async () => void order.push('second'))
  await expect(limiter.run(async () => undefined)).rejects.toMatchObject({ code: 'HTTP_BUSY' })
  gate.resolve()
  await expect(first).rejects.toThrow('failed')
  await second
  expect(order).toEqual(['first', 'second'])
  expect(limiter.running).toBe(0)
  await limiter.run(async () => undefined)
})
