import { describe, expect, test } from 'vitest'
import { concat, fromHex, uint } from '@sotto/protocol/bytes'
import { MESSAGE, post, REFUSED, withEffects } from './effects.ts'
import {
  ask,
  handBody,
  newKey,
  openAnswer,
  openGateway,
  outerRequest,
  POLICY,
  sealedChunks,
} from './parties.ts'

describe('keys and suites', () => {
  test('an unknown key id is 422 with the problem type of RFC 9458', async () => {
    const { gateway, effects } = withEffects()
    const stranger = newKey(9)
    const response = await gateway.app(outerRequest(concat(...sealedChunks(stranger, MESSAGE).parts)))
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      422,
      'application/problem+json',
      { type: 'https://iana.org/assignments/http-problem-types#ohttp-key', title: 'key identifier unknown' },
    ])
    expect(effects).toEqual([])
  })

  test('a known id with another key is refused like any message that does not open', async () => {
    const { gateway } = withEffects()
    expect(await post(gateway, concat(...sealedChunks(newKey(7), MESSAGE).parts))).toEqual(REFUSED)
  })

  test.each([
    ['KEM', 1],
    ['KDF', 3],
    ['AEAD', 5],
  ])('a %s the key does not offer is 422', async (_, offset) => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(uint(0xffff, 2), offset)
    expect((await post(gateway, wire)).status).toBe(422)
  })

  test('the export-only AEAD is refused', async () => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(uint(0xffff, 2), 5)
    expect((await post(gateway, wire)).status).toBe(422)
  })

  test.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['p - 1', `ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f`],
  ])('an encapsulated key of low order (%s) is refused like any other', async (_, point) => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(fromHex(point), 7)
    expect(await post(gateway, wire)).toEqual(REFUSED)
  })

  test('an expired key is unknown, and what it had opened goes on', async () => {
    const gateway = openGateway(async (request) => new Response(await request.text()))
    const first = sealedChunks(gateway.key, { body: 'x' })
    const body = handBody()
    const pending = gateway.app(outerRequest(body.stream))
    for (const part of first.parts.slice(0, -1)) body.write(part)
    await new Promise((resolve) => setTimeout(resolve, 5))
    gateway.clock.wall += 3_601_000
    expect((await post(gateway, concat(...sealedChunks(gateway.key, { body: 'y' }).parts))).status).toBe(422)
    body.write(first.parts.at(-1)!)
    body.end()
    expect((await openAnswer(await pending, first.sealer)).text).toBe('x')
  })

  test('after a rotation old and new key both work; the old one goes when it ends, or its policy does', async () => {
    const { gateway } = withEffects()
    const next = newKey(8)
    const notAfter = gateway.clock.wall / 1000 + 60
    const statusUnder = async (key: typeof next): Promise<number> =>
      (await post(gateway, concat(...sealedChunks(key, MESSAGE).parts))).status
    gateway.keys.install([
      { key: next, policy: POLICY, notAfter },
      { key: gateway.key, policy: POLICY, notAfter },
    ])
    for (const key of [gateway.key, next]) expect((await ask({ ...gateway, key }, MESSAGE)).status).toBe(200)
    // Somebody may still hold the set that it was in.
    gateway.keys.install([{ key: next, policy: POLICY, notAfter: notAfter + 3600 }])
    expect(await statusUnder(gateway.key)).toBe(200)
    gateway.clock.mono += 61_000
    expect(await statusUnder(gateway.key)).toBe(422)
    gateway.keys.install([{ key: newKey(9), policy: 'another', notAfter: notAfter + 3600 }])
    expect(await statusUnder(next)).toBe(422)
  })
})
