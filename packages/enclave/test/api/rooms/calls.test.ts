import { MAX_CALL_ANSWER_BYTES, MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { MAX_ROOM_ANSWER_BYTES, MAX_ROOM_CALL_BYTES, MAX_ROOM_EVIDENCE_BYTES } from '@sotto/protocol/room'
import { SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { describe, expect, it, vi } from 'vitest'
import { between, bytesOf, refusalOf, refusing } from './between.ts'

const TYPE = { 'content-type': SEALED_CALL_TYPE }
const sealed = (bytes: number): number => bytes + SEALED_CALL_OVERHEAD_BYTES

describe.each([
  ['the KMS', '/calls', 'kms-1', '/v1/contracts', sealed(MAX_CALL_BYTES), sealed(MAX_CALL_ANSWER_BYTES)],
  ['the room', '/runs', 'room', '/v1/runs', sealed(MAX_ROOM_CALL_BYTES), sealed(MAX_ROOM_ANSWER_BYTES)],
])('sealed calls to %s', (_, path, host, target, maxCallBytes, maxAnswerBytes) => {
  it('go on as they are, with nothing of who sent them, and so do answers', async () => {
    const { asked, call } = between({ [host]: new Response(new Uint8Array([7, 8])) })
    const response = await call('POST', path, new Uint8Array([1, 2, 3]), { ...TYPE, 'x-from': 'somebody' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, SEALED_CALL_TYPE])
    expect(await bytesOf(response)).toEqual(new Uint8Array([7, 8]))
    expect(asked).toEqual([{ to: `POST ${host}${target}`, headers: TYPE, body: new Uint8Array([1, 2, 3]) }])
  })

  it('that are of another type, too large, or no POST, go nowhere', async () => {
    const { asked, call } = between()
    expect(await refusalOf(call('POST', path, 'x', { 'content-type': 'application/json' }))).toBe(
      '400 API_INVALID',
    )
    const large = call('POST', path, new Uint8Array(maxCallBytes + 1), TYPE)
    expect(await refusalOf(large)).toMatch(/HTTP_BODY_TOO_LARGE$/)
    expect(await refusalOf(call('GET', path))).toBe('404 API_ROUTE_NOT_FOUND')
    expect(asked).toEqual([])
  })

  it('as large as they may be go on, and so do answers; larger answers are none', async () => {
    for (const [more, status] of [
      [0, 200],
      [1, 503],
    ] as const) {
      const large = (): Response => new Response(new Uint8Array(maxAnswerBytes + more))
      const { call } = between({ [host]: large, 'kms-2': large })
      const response = await call('POST', path, new Uint8Array(maxCallBytes), TYPE)
      expect(response.status).toBe(status)
    }
  })

  it('are as many at once as memory is meant for, and whoever is one too many is told', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const { call, asked } = between({ [host]: () => promise })
    const calls = Array.from({ length: 16 + 128 }, () => call('POST', path, 'x', TYPE))
    await vi.waitFor(() => expect(asked).toHaveLength(16))
    const refused = await call('POST', path, 'x', TYPE)
    expect([await refusalOf(Promise.resolve(refused)), refused.headers.get('retry-after')]).toEqual([
      '503 HTTP_BUSY',
      '1',
    ])
    resolve(new Response('y'))
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 200))
    expect(asked).toHaveLength(calls.length)
  })

  it('that are refused keep their code; who is silent is named', async () => {
    const busy = between({ [host]: refusing('HTTP_TOO_MANY', 429, 'retry') })
    expect(await refusalOf(busy.call('POST', path, 'x', TYPE))).toBe('429 HTTP_TOO_MANY')
    const away = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))
    const silent = between({ 'kms-1': away, 'kms-2': away, room: away })
    const response = await silent.call('POST', path, 'x', TYPE)
    expect(await response.text()).toContain(host === 'room' ? 'the room does' : 'the KMS does')
    expect(await refusalOf(silent.call('POST', path, 'x', TYPE))).toBe('503 API_UPSTREAM')
  })
})

describe('what a room shows of itself', () => {
  it('comes as it is, up to its bound', async () => {
    const evidence = { room: new Response('{"evidence":{}}') }
    const { call, asked } = between(evidence)
    const response = await call('GET', '/room', undefined, { authorization: 'not passed' })
    expect([response.headers.get('content-type'), await response.text()]).toEqual([
      'application/json',
      '{"evidence":{}}',
    ])
    expect(asked).toMatchObject([{ to: 'GET room/v1/room', headers: { 'content-type': 'application/json' } }])
    expect(asked[0]!.headers).not.toHaveProperty('authorization')
    const large = between({ room: new Response(new Uint8Array(MAX_ROOM_EVIDENCE_BYTES + 1)) })
    expect(await refusalOf(large.call('GET', '/room'))).toBe('503 API_UPSTREAM')
  })
})

describe('the content key of an artifact', () => {
  const artifact = 'ef'.repeat(16)

  it('goes to the KMS as its owner signed it', async () => {
    const { call, to, asked } = between({ 'kms-1': refusing('KMS_STANDBY', 503, 'retry') })
    const response = await call('POST', `/keys/${artifact}`, '{"signed":1}')
    expect([response.status, await response.text()]).toEqual([200, '{}'])
    expect(to()).toEqual(['kms-1', 'kms-2'].map((kms) => `POST ${kms}/v1/artifacts/${artifact}/key`))
    expect(new TextDecoder().decode(asked[1]!.body)).toBe('{"signed":1}')
  })

  it.each([
    ['GET', `/keys/${artifact}`, '404 API_ROUTE_NOT_FOUND'],
    ['DELETE', `/keys/${artifact}`, '404 API_ROUTE_NOT_FOUND'],
    ['POST', `/keys/${artifact}0`, '404 API_ROUTE_NOT_FOUND'],
    ['POST', `/keys/${artifact.toUpperCase()}`, '404 API_ROUTE_NOT_FOUND'],
    ['POST', `/keys/${artifact}/key`, '404 API_ROUTE_NOT_FOUND'],
    ['POST', '/keys/..%2fcontracts', '404 API_ROUTE_NOT_FOUND'],
  ])('%s %s goes nowhere', async (method, path, refused) => {
    const { call, asked } = between()
    expect(await refusalOf(call(method, path, method === 'GET' ? undefined : 'x'))).toBe(refused)
    expect(asked).toEqual([])
  })

  it('is bounded', async () => {
    const { call, asked } = between()
    const large = call('POST', `/keys/${artifact}`, 'x'.repeat(131_073))
    expect(await refusalOf(large)).toMatch(/HTTP_BODY_TOO_LARGE$/)
    expect(asked).toEqual([])
  })
})
