import { describe, expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { OHTTP_MEDIA_TYPE, OhttpClientKey } from '@sotto/protocol/ohttp'
import { decodeResponse } from '@sotto/protocol/bhttp'
import { openGateway, outerRequest, sealedChunks, wholePlaintextOf } from './parties.ts'
import { echo } from './echo.ts'

describe('unchunked messages', () => {
  const send = async (gateway: ReturnType<typeof openGateway>, body: string | Uint8Array) => {
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[1]!).request({
      isChunked: false,
    })
    const wire = concat(...sealer.seal(wholePlaintextOf({ body })), ...sealer.end())
    const response = await gateway.app(outerRequest(wire, OHTTP_MEDIA_TYPE.request))
    const opener = sealer.openResponse()
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200) return { response, size: bytes.length }
    opener.push(bytes)
    return { response, size: bytes.length, message: decodeResponse(opener.finish()) }
  }

  test('are answered in kind, padded, with a receipt', async () => {
    const { response, size, message } = await send(openGateway(echo), 'hello')
    expect([...response.headers]).toEqual([
      ['cache-control', 'no-store'],
      ['content-type', 'message/ohttp-res'],
    ])
    expect([
      message!.head.status,
      new TextDecoder().decode(concat(...message!.content)),
      message!.trailers[0]![0],
    ]).toEqual([201, 'hello', 'sotto-receipt'])
    const other = await send(openGateway(echo), 'x'.repeat(800))
    expect(other.size).toBe(size)
  })

  test('an answer that is too large becomes an error inside', async () => {
    const gateway = openGateway(async () => new Response('x'.repeat(5000)), {
      limits: { wholeResponseBytes: 4096 },
    })
    const { message } = await send(gateway, 'hello')
    expect([message!.head.status, new TextDecoder().decode(concat(...message!.content))]).toEqual([
      400,
      expect.stringContaining('gateway_response_too_large'),
    ])
    expect(message!.trailers).toEqual([])
  })

  test('a request that is too large is refused', async () => {
    const gateway = openGateway(echo, { limits: { wholeRequestBytes: 4096 } })
    expect((await send(gateway, 'x'.repeat(5000))).response.status).toBe(400)
  })

  test('neither framing opens the other', async () => {
    const gateway = openGateway(echo)
    const chunked = concat(...sealedChunks(gateway.key, { body: 'x' }).parts)
    expect((await gateway.app(outerRequest(chunked, OHTTP_MEDIA_TYPE.request))).status).toBe(400)
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request({
      isChunked: false,
    })
    const whole = concat(...sealer.seal(wholePlaintextOf({ body: 'x' })), ...sealer.end())
    expect((await gateway.app(outerRequest(whole))).status).toBe(400)
  })
})
