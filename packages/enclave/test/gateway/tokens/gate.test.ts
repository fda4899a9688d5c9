import { afterEach, expect, it, vi } from 'vitest'
import { parseChallenge } from '@sotto/protocol/tokens'
import { claim } from '../../../../../test/claims.ts'
import { ask, openGateway } from '../parties.ts'
import { admit, makeKeys, openGate, signing, type TestGate } from './parties.ts'

makeKeys()
afterEach(() => vi.restoreAllMocks())

const refused = (code: string) => expect.objectContaining({ code }) as unknown

it('lets a token in once', async () => {
  const gate = openGate()
  const authorization = gate.authorization()
  expect(await admit(gate, authorization)).toBeUndefined()
  await expect(admit(gate, authorization)).rejects.toMatchObject({
    code: 'GATEWAY_TOKEN_SPENT',
    action: 'retry',
  })
})

it('of one token in many requests at once, one gets in', async () => {
  const gate = openGate()
  const authorization = gate.authorization()
  const racing = await Promise.allSettled(Array.from({ length: 20 }, () => admit(gate, authorization)))
  expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

it.each<[string, string, (gate: TestGate) => string | undefined]>([
  ['none', 'GATEWAY_TOKEN_MISSING', () => undefined],
  ['a bearer key', 'GATEWAY_TOKEN_INVALID', () => 'Bearer sk-sotto-000'],
  ['garbage', 'GATEWAY_TOKEN_INVALID', () => 'PrivateToken token="AAIA"'],
  [
    'one with a flipped bit',
    'GATEWAY_TOKEN_INVALID',
    (gate) => {
      const token = gate.token()
      token.authenticator[100]! ^= 1
      return gate.authorization(token)
    },
  ],
  [
    'one whose nonce was changed',
    'GATEWAY_TOKEN_INVALID',
    (gate) => {
      const token = gate.token()
      token.nonce[0]! ^= 1
      return gate.authorization(token)
    },
  ],
  ['one of another issuer', 'GATEWAY_TOKEN_KEY', (gate) => gate.authorization(gate.token(signing.foreign))],
  [
    'one of another issuer under our key id',
    'GATEWAY_TOKEN_INVALID',
    (gate) => gate.authorization({ ...gate.token(signing.foreign), keyId: signing.own.key.id }),
  ],
  [
    'one of a class that is not taken here',
    'GATEWAY_TOKEN_KEY',
    (gate) => gate.authorization(gate.token(signing.bulk)),
  ],
  [
    'one for another challenge',
    'GATEWAY_TOKEN_CHALLENGE',
    (gate) => gate.authorization(gate.token(signing.own, openGate().challenge)),
  ],
])('refuses %s: %s', async (_, code, make) => {
  const gate = openGate()
  await expect(admit(gate, make(gate))).rejects.toEqual(refused(code))
})

it('takes tokens while their key is in force, by its own clock', async () => {
  const gate = openGate()
  const [early, late, over] = [gate.authorization(), gate.authorization(), gate.authorization()]
  gate.clock.now = 8999
  await expect(admit(gate, early)).rejects.toEqual(refused('GATEWAY_TOKEN_KEY'))
  gate.clock.now = 19_999
  expect(await admit(gate, late)).toBeUndefined()
  gate.clock.now = 20_000
  await expect(admit(gate, over)).rejects.toEqual(refused('GATEWAY_TOKEN_KEY'))
  await expect(admit(gate, late)).rejects.toEqual(refused('GATEWAY_TOKEN_KEY'))
})

it('calls no token bad of which it cannot know: it was not heard which keys there are', async () => {
  const gate = openGate()
  gate.issuer.isHeard = false
  const foreign = gate.authorization(gate.token(signing.foreign))
  await expect(admit(gate, foreign)).rejects.toMatchObject({ code: 'GATEWAY_ISSUER_SILENT', action: 'retry' })
  // What it knows it goes by: a key that has not ended, and one that has.
  expect(await admit(gate, gate.authorization())).toBeUndefined()
  gate.clock.now = 20_000
  await expect(admit(gate, gate.authorization())).rejects.toEqual(refused('GATEWAY_TOKEN_KEY'))
  const gateway = openGateway(async () => new Response('served'), { tokens: gate.gate })
  const fields: [string, string][] = [
    ['date', new Date().toUTCString()],
    ['authorization', foreign],
  ]
  const answer = await ask(gateway, { fields })
  expect(answer.status).toBe(503)
  expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'gateway_issuer_silent' } })
  expect(answer.headers.get('sotto-token')).toBe('unspent')
  expect(answer.headers.has('www-authenticate')).toBe(false)
})

it('says of no token that may be spent that it is unspent', async () => {
  const gate = openGate({ spent: { spend: () => Promise.reject(new Error('connection refused')) } })
  const gateway = openGateway(async () => new Response('served'), { tokens: gate.gate })
  const fields: [string, string][] = [
    ['date', new Date().toUTCString()],
    ['authorization', gate.authorization()],
  ]
  const answer = await ask(gateway, { fields })
  expect([answer.status, answer.headers.get('sotto-token')]).toEqual([503, null])
})

it(claim('T12', 'a gateway that lost its memory takes no token of the time before'), async () => {
  const before = openGate()
  const [spent, unspent] = [before.authorization(), before.authorization()]
  await admit(before, spent)
  const after = openGate()
  expect(after.challenge).not.toEqual(before.challenge)
  for (const authorization of [spent, unspent])
    await expect(admit(after, authorization)).rejects.toEqual(refused('GATEWAY_TOKEN_CHALLENGE'))
})

it(claim('T12', 'spent tokens that cannot be remembered: nothing is let in'), async () => {
  const gate = openGate({ spent: { spend: () => Promise.reject(new Error('connection refused')) } })
  await expect(admit(gate, gate.authorization())).rejects.toMatchObject({
    code: 'GATEWAY_SPENT_UNAVAILABLE',
    action: 'retry',
  })
  // An answer of the wrong shape is no yes either.
  const empty = openGate({ spent: { spend: () => Promise.resolve([]) } })
  await expect(admit(empty, empty.authorization())).rejects.toEqual(refused('GATEWAY_TOKEN_SPENT'))
})

it('limits a class without spending, and replays of a spent token use nothing up', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000)
  const gate = openGate({ burst: 2, perSecond: 1 })
  const [a, b, c] = [gate.authorization(), gate.authorization(), gate.authorization()]
  await admit(gate, a)
  for (let i = 0; i < 5; i++) await expect(admit(gate, a)).rejects.toEqual(refused('GATEWAY_TOKEN_SPENT'))
  await admit(gate, b)
  await expect(admit(gate, c)).rejects.toMatchObject({ code: 'GATEWAY_TOKEN_RATE', action: 'retry' })
  clock.mockReturnValue(1999)
  await expect(admit(gate, c)).rejects.toMatchObject({ code: 'GATEWAY_TOKEN_RATE' })
  clock.mockReturnValue(2000)
  expect(await admit(gate, c)).toBeUndefined()
})

it('has one challenge for everybody, on its own route and in every refusal', async () => {
  const gate = openGate()
  const own = gate.gate.admit('GET', '/sotto/token-challenge', undefined) as Response
  expect(await own.bytes()).toEqual(gate.challenge)
  expect(parseChallenge(gate.challenge)).toMatchObject({
    issuerName: 'issuer.example',
    originInfo: 'inference.sotto',
  })
  expect(gate.gate.admit('GET', '/sotto/receipt-certificate?evidence=00', undefined)).toBeUndefined()
  for (const [method, path] of [
    ['POST', '/sotto/token-challenge'],
    ['POST', '/sotto/receipt-certificate'],
    ['GET', '/sotto/receipt-certificate/'],
    ['GET', '/v1/models'],
  ] as const)
    expect(() => gate.gate.admit(method, path, undefined)).toThrow(refused('GATEWAY_TOKEN_MISSING'))
})

it('inside the encryption: the app sees paid requests only, and never a token', async () => {
  const gate = openGate()
  const seen: [string, string[]][] = []
  const gateway = openGateway(
    async (request) => {
      seen.push([new URL(request.url).pathname, [...request.headers.keys()]])
      return new Response(await request.text())
    },
    { tokens: gate.gate },
  )
  const fields = (authorization?: string): [string, string][] => [
    ['date', new Date().toUTCString()],
    ['content-type', 'text/plain'],
    ...(authorization === undefined ? [] : ([['authorization', authorization]] as [string, string][])),
  ]
  const none = await ask(gateway, { body: 'hello', fields: fields() })
  expect(none.status).toBe(401)
  expect(none.headers.get('www-authenticate')).toBe(gate.gate.wwwAuthenticate)
  expect(JSON.parse(none.text)).toMatchObject({ error: { code: 'gateway_token_missing' } })
  const authorization = gate.authorization()
  expect(await ask(gateway, { body: 'hello', fields: fields(authorization) })).toMatchObject({
    status: 200,
    text: 'hello',
  })
  expect(await ask(gateway, { body: 'hello', fields: fields(authorization) })).toMatchObject({ status: 401 })
  // Two at once are one value that is no token.
  const two: [string, string][] = [...fields(gate.authorization()), ['authorization', gate.authorization()]]
  expect(await ask(gateway, { body: 'hello', fields: two })).toMatchObject({ status: 401 })
  // A request with a wrong date or path costs nothing.
  const kept = gate.authorization()
  const old: [string, string][] = [
    ['date', new Date(0).toUTCString()],
    ['authorization', kept],
  ]
  expect(await ask(gateway, { fields: old })).toMatchObject({ status: 400 })
  expect(await ask(gateway, { path: '/../x', fields: fields(kept) })).toMatchObject({ status: 421 })
  expect(await ask(gateway, { body: 'again', fields: fields(kept) })).toMatchObject({
    status: 200,
    text: 'again',
  })
  expect(seen).toEqual([
    ['/v1/echo', ['content-type']],
    ['/v1/echo', ['content-type']],
  ])
})
