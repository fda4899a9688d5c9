import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { encodeEnd, encodeRequestStart } from '@sotto/protocol/bhttp'
import { encodeVarint } from '@sotto/protocol/varint'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import { post, withEffects } from './effects.ts'
import { ask, openAnswer, outerRequest, sealedChunks } from './parties.ts'

describe('inside', () => {
  test.each([
    ['no date', []],
    ['an old date', [['date', 'Sat, 21 Nov 2020 12:00:00 GMT']]],
    ['a date to come', [['date', 'Sat, 21 Nov 2099 12:00:00 GMT']]],
    [
      'two dates',
      [
        ['date', new Date().toUTCString()],
        ['date', new Date().toUTCString()],
      ],
    ],
  ] as [string, [string, string][]][])(
    '%s is the encapsulated date problem, with the date here',
    async (_, fields) => {
      const { gateway, effects } = withEffects()
      const answer = await ask(gateway, { fields })
      expect([answer.status, answer.headers.get('content-type'), JSON.parse(answer.text)]).toMatchObject([
        400,
        'application/problem+json',
        { type: 'https://iana.org/assignments/http-problem-types#date' },
      ])
      expect(Math.abs(Date.parse(answer.headers.get('date')!) - Date.now())).toBeLessThan(5000)
      expect(effects).toEqual([])
    },
  )

  test.each([
    [{ authority: 'evil.example' }],
    [{ authority: '127.0.0.1:9000' }],
    [{ scheme: 'http' }],
    [{ path: '/v1/../../etc/passwd' }],
    [{ method: 'OPTIONS' }],
  ])('target %j is refused inside', async (message) => {
    const { gateway, effects } = withEffects()
    const answer = await ask(gateway, message)
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      421,
      { error: { code: 'gateway_target' } },
    ])
    expect(effects).toEqual([])
  })

  test('an authentic message that is not HTTP is told so inside, and nobody else', async () => {
    const { gateway } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const wire = concat(...sealer.seal(utf8('GET / HTTP/1.1\r\n\r\n')), ...sealer.end())
    const answer = await openAnswer(await gateway.app(outerRequest(wire)), sealer)
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      400,
      { error: { code: 'bhttp_malformed' } },
    ])
  })

  test.each<[string, Uint8Array]>([
    ['line breaks in the path', rawHead('POST', 'https', 'inference.sotto', '/a\r\nx-evil: 1')],
    ['a space in the method', rawHead('POST /x', 'https', 'inference.sotto', '/a')],
    ['a pseudo field', concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field(':path', '/b'))],
    ['an upper-case field', concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field('Host', 'evil'))],
    [
      'a field value with a line break',
      concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field('x', 'a\r\nb')),
    ],
  ])('%s is refused', async (_, head) => {
    const { gateway, effects } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const wire = concat(...sealer.seal(concat(head, Uint8Array.of(0), encodeEnd())), ...sealer.end())
    const answer = await openAnswer(await gateway.app(outerRequest(wire)), sealer)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(effects).toEqual([])
  })

  test('more content than allowed never reaches the app as a whole', async () => {
    const { gateway, effects } = withEffects({ limits: { contentBytes: 1000 } })
    await post(gateway, concat(...sealedChunks(gateway.key, { body: 'x'.repeat(1001) }).parts))
    await post(gateway, concat(...sealedChunks(gateway.key, { body: 'x'.repeat(1001) }, 8).parts))
    expect(effects).toEqual([])
    expect((await ask(gateway, { body: 'x'.repeat(1000) })).status).toBe(200)
  })

  test('a field section without end is refused early', async () => {
    const { gateway } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const start = encodeRequestStart({
      method: 'POST',
      scheme: 'https',
      authority: 'inference.sotto',
      path: '/',
      fields: [],
    }).subarray(0, -1)
    const parts = [concat(...sealer.seal(start))]
    for (let i = 0; i < 100; i++) parts.push(concat(...sealer.seal(field('x', 'y'.repeat(1000)))))
    const answer = await openAnswer(await gateway.app(outerRequest(concat(...parts))), sealer)
    expect(answer.status).toBe(413)
  })
})

function rawHead(...parts: string[]): Uint8Array {
  return concat(encodeVarint(2), ...parts.flatMap((part) => [encodeVarint(part.length), utf8(part)]))
}

function field(name: string, value: string): Uint8Array {
  return concat(encodeVarint(name.length), utf8(name), encodeVarint(value.length), utf8(value))
}
