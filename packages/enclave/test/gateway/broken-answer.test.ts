import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { ask, openGateway, outerRequest, sealedChunks } from './parties.ts'

describe('an answer that breaks never looks complete', () => {
  const broken = (type: string) => async (): Promise<Response> => {
    let count = 0
    const body = new ReadableStream<Uint8Array>({
      pull(c) {
        if (count++ < 3) c.enqueue(utf8('data: x\n\n'))
        else c.error(new Error('the engine died with: secret words'))
      },
    })
    return new Response(body, { headers: { 'content-type': type } })
  }

  test.each(['text/event-stream', 'application/json'])('%s', async (type) => {
    const gateway = openGateway(broken(type))
    const { sealer, parts } = sealedChunks(gateway.key, { body: '' })
    const response = await gateway.app(outerRequest(concat(...parts)))
    const opener = sealer.openResponse()
    const reader = response.body!.getReader()
    const received: Uint8Array[] = []
    const failure = await (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return undefined
        received.push(...opener.push(value))
      }
    })().catch((error: unknown) => error)
    expect(String((failure as Error).message)).not.toContain('secret')
    expect(() => opener.finish()).toThrow(expect.objectContaining({ code: 'OHTTP_TRUNCATED' }))
    expect(new TextDecoder().decode(concat(...received))).not.toContain('sotto-receipt')
  })

  test('an app that throws is an error inside, without its words', async () => {
    const gateway = openGateway(() => Promise.reject(new Error('secret words')))
    const answer = await ask(gateway, { body: '' })
    expect([answer.status, answer.text.includes('secret')]).toEqual([500, false])
  })
})
