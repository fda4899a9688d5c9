import { describe, expect, test } from 'vitest'
import { concat, fromHex } from '@sotto/protocol/bytes'
import { encodeVarint } from '@sotto/protocol/varint'
import { MESSAGE, post, withEffects } from './effects.ts'
import { ask, handBody, openAnswer, openGateway, outerRequest, sealedChunks } from './parties.ts'

describe('a message that is not what its sender sealed has no effect and gets no answer', () => {
  test('cut at every byte', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    for (let length = 0; length < wire.length; length += 7) {
      const { status } = await post(gateway, wire.subarray(0, length))
      // A cut message that got far enough to be recorded is a replay when it comes again.
      expect(status).toBe(400)
    }
    expect(effects).toEqual([])
  })

  test.each<[string, (parts: Uint8Array[]) => Uint8Array[]]>([
    ['without its final chunk', (parts) => parts.slice(0, -1)],
    ['with a chunk dropped', (parts) => [...parts.slice(0, 2), ...parts.slice(3)]],
    ['with a chunk repeated', (parts) => [...parts.slice(0, 3), parts[2]!, ...parts.slice(3)]],
    ['with two chunks swapped', (parts) => [...parts.slice(0, 2), parts[3]!, parts[2]!, ...parts.slice(4)]],
    ['with bytes after the final chunk', (parts) => [...parts, Uint8Array.of(0)]],
    ['with a second final chunk', (parts) => [...parts, parts.at(-1)!]],
    [
      'with a non-final chunk that is empty',
      (parts) => [parts[0]!, concat(encodeVarint(16), new Uint8Array(16)), ...parts.slice(1)],
    ],
    ['with the final chunk early', (parts) => [parts[0]!, parts.at(-1)!]],
    [
      'with a chunk longer than allowed',
      (parts) => [parts[0]!, concat(encodeVarint(16_384 + 17), new Uint8Array(16_384 + 17))],
    ],
    ['with a length of 2^62 - 1', (parts) => [parts[0]!, fromHex('ffffffffffffffff')]],
  ])('%s', async (_, change) => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    expect((await post(gateway, concat(...change(parts)))).status).toBe(400)
    expect(effects).toEqual([])
  })

  test('with any one bit changed', async () => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const wire = concat(...parts)
    for (let at = 7; at < wire.length; at += 11) {
      const changed = wire.slice()
      changed[at] = changed[at]! ^ (1 << (at % 8))
      expect((await post(gateway, changed)).status).toBe(400)
    }
    expect(effects).toEqual([])
  })

  test('a connection that breaks in the middle of the body', async () => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const body = handBody()
    const answer = gateway.app(outerRequest(body.stream))
    for (const part of parts.slice(0, 3)) body.write(part)
    await new Promise((resolve) => setTimeout(resolve, 5))
    body.fail()
    const response = await answer
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: 'GATEWAY_CUT', action: 'retry' } },
    ])
    expect(effects).toEqual([])
  })

  test('a GET that is cut is not answered either', async () => {
    const asked: string[] = []
    const gateway = openGateway(async (request) => (asked.push(request.url), new Response('list')))
    const { parts } = sealedChunks(gateway.key, { method: 'GET', path: '/v1/models' })
    expect((await post(gateway, concat(...parts.slice(0, -1)))).status).toBe(400)
    expect(asked).toEqual([])
  })

  test('an answer that had begun has no end when the request turns out cut', async () => {
    const gateway = openGateway(async () => new Response('early answer'))
    const { sealer, parts } = sealedChunks(gateway.key, MESSAGE)
    const response = await gateway.app(outerRequest(concat(...parts.slice(0, -1))))
    expect(response.status).toBe(200)
    await expect(openAnswer(response, sealer)).rejects.toThrow()
  })
})

test('the honest message of this file is answered', async () => {
  const { gateway, effects } = withEffects()
  expect((await ask(gateway, MESSAGE)).text).toBe(MESSAGE.body)
  expect(effects).toEqual([MESSAGE.body])
})
