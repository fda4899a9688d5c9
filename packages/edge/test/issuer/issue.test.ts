import { expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import {
  encodeToken,
  encodeTokenRequest,
  importTokenKey,
  parseBatchResponse,
  parseToken,
  parseTokenResponse,
  TOKEN_MEDIA_TYPE,
  verifyToken,
} from '@sotto/protocol/tokens'
import { openAccount, openTestIssuer, order, outcome, post } from './parties.ts'

it('sells tokens that verify, one or many in a request, and charges each once', async () => {
  const issuer = await openTestIssuer()
  expect(
    await outcome(issuer.app(new Request('http://i/.well-known/private-token-issuer-directory'))),
  ).toEqual([503, 'ISSUER_NOT_READY'])
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer)
  const key = issuer.keyOf()
  const { pending, body } = order(key, 3)
  const response = await issuer.app(post(secret, body))
  expect(response.headers.get('content-type')).toBe(TOKEN_MEDIA_TYPE.batchResponse)
  const signatures = parseBatchResponse(new Uint8Array(await response.arrayBuffer()), 3)
  for (const [index, one] of pending.entries()) {
    const token = parseToken(encodeToken(one.finish(signatures[index]!)))
    expect(verifyToken(token, importTokenKey(key))).toBe(true)
  }
  const single = order(key, 1)
  const one = await issuer.app(
    post(secret, encodeTokenRequest(single.requests[0]!), TOKEN_MEDIA_TYPE.request),
  )
  single.pending[0]!.finish(parseTokenResponse(new Uint8Array(await one.arrayBuffer())))
  expect(issuer.charges.usage(id)).toMatchObject([{ class: 'standard', tokens: 4 }])
})

it('answers the same request again with the same bytes, and charges nothing', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer, 3)
  const { body, requests } = order(issuer.keyOf(), 3)
  const first = await (await issuer.app(post(secret, body))).bytes()
  expect(await (await issuer.app(post(secret, body))).bytes()).toEqual(first)
  // Also one of them alone, and twice in one batch.
  const single = encodeTokenRequest(requests[0]!)
  expect(await outcome(issuer.app(post(secret, single, TOKEN_MEDIA_TYPE.request)))).toEqual([200, undefined])
  const twice = concat(Uint8Array.of(0x42, 0x06), single, single)
  expect(await outcome(issuer.app(post(secret, twice)))).toEqual([200, undefined])
  expect(issuer.charges.usage(id)).toMatchObject([{ tokens: 3 }])
  // Another account pays for itself.
  const other = openAccount(issuer)
  await issuer.app(post(other.secret, body))
  expect(issuer.charges.usage(other.id)).toMatchObject([{ tokens: 3 }])
})

it('refuses what passes the quota as a whole, charges nothing of it, and begins anew with the period', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer, 5)
  const key = issuer.keyOf()
  expect(await outcome(issuer.app(post(secret, order(key, 4).body)))).toEqual([200, undefined])
  expect(await outcome(issuer.app(post(secret, order(key, 2).body)))).toEqual([429, 'ISSUER_QUOTA'])
  expect(issuer.charges.usage(id)).toMatchObject([{ tokens: 4 }])
  expect(await outcome(issuer.app(post(secret, order(key, 1).body)))).toEqual([200, undefined])
  expect(await outcome(issuer.app(post(secret, order(key, 1).body)))).toEqual([429, 'ISSUER_QUOTA'])
  issuer.clock.now += 86_400
  expect(await outcome(issuer.app(post(secret, order(key, 5).body)))).toEqual([200, undefined])

  issuer.accounts.setQuota(id, { class: 'standard', tokens: 11, period: 'month' })
  expect(await outcome(issuer.app(post(secret, order(key, 2).body)))).toEqual([429, 'ISSUER_QUOTA'])
  expect(await outcome(issuer.app(post(secret, order(key, 1).body)))).toEqual([200, undefined])
})

it('signs again for nothing, but not without end, and for the others meanwhile', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const [greedy, other] = [openAccount(issuer), openAccount(issuer)]
  const { body } = order(issuer.keyOf(), 1)
  const ask = (secret: string) => outcome(issuer.app(post(secret, body)))
  const asked: unknown[] = []
  for (let i = 0; i < 20; i++) asked.push((await ask(greedy.secret))[0])
  expect(asked.slice(0, 17)).toEqual(Array(17).fill(200))
  expect(asked.at(-1)).toBe(429)
  expect(await ask(greedy.secret)).toEqual([429, 'HTTP_TOO_MANY'])
  expect(await ask(other.secret)).toEqual([200, undefined])
  // What is paid for is signed.
  expect((await outcome(issuer.app(post(greedy.secret, order(issuer.keyOf(), 1).body))))[0]).toBe(200)
  expect(issuer.charges.usage(greedy.id)).toMatchObject([{ tokens: 2 }])
})

it('knows classes apart: by key, by quota, never both in one batch', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { secret } = openAccount(issuer)
  const [standard, bulk] = [order(issuer.keyOf(), 1), order(issuer.keyOf('bulk'), 1)]
  expect(await outcome(issuer.app(post(secret, bulk.body)))).toEqual([403, 'ISSUER_CLASS'])
  const mixed = concat(
    Uint8Array.of(0x42, 0x06),
    encodeTokenRequest(standard.requests[0]!),
    encodeTokenRequest(bulk.requests[0]!),
  )
  expect(await outcome(issuer.app(post(secret, mixed)))).toEqual([422, 'ISSUER_REQUEST'])
})

it('refuses other keys, other bodies and numbers that are not below the modulus, before it charges', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer)
  const key = issuer.keyOf()
  const { body } = order(key, 1)
  const taken = new Set(['standard', 'bulk'].map((name) => issuer.keyOf(name).id.at(-1)!))
  const unknown = body.slice()
  unknown[4] = [...Array(256).keys()].find((byte) => !taken.has(byte))!
  expect(await outcome(issuer.app(post(secret, unknown)))).toEqual([422, 'ISSUER_KEY_UNKNOWN'])
  const large = body.slice().fill(0xff, 5)
  expect(await outcome(issuer.app(post(secret, large)))).toEqual([422, 'ISSUER_REQUEST'])
  expect(await outcome(issuer.app(post(secret, body.subarray(1))))).toEqual([422, 'ISSUER_REQUEST'])
  expect(await outcome(issuer.app(post(secret, body, 'application/json')))).toEqual([415, 'HTTP_MEDIA_TYPE'])
  expect(await outcome(issuer.app(post(secret, new Uint8Array(20_000))))).toEqual([
    413,
    'HTTP_BODY_TOO_LARGE',
  ])
  expect(issuer.charges.usage(id)).toEqual([])
})

it('takes API keys in force only, and keeps none of them', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret, keyId } = openAccount(issuer)
  const { body } = order(issuer.keyOf(), 1)
  const ask = (key: string): Promise<[number, string | undefined]> => outcome(issuer.app(post(key, body)))
  const refused = [401, 'ISSUER_UNAUTHORIZED']
  expect(await ask('')).toEqual(refused)
  expect(await ask(`${secret}x`)).toEqual(refused)
  expect(await ask(`sk-sotto-${'A'.repeat(43)}`)).toEqual(refused)
  expect(await ask(secret)).toEqual([200, undefined])
  // Rotated: the old key goes on for its grace, then no more.
  const next = issuer.accounts.rotateKey(id, keyId, 60)
  expect(await ask(secret)).toEqual([200, undefined])
  expect(await ask(next.secret)).toEqual([200, undefined])
  issuer.clock.now += 60
  expect(await ask(secret)).toEqual(refused)
  expect(await ask(next.secret)).toEqual([200, undefined])
  // Revoked at once, and nothing brings it back.
  issuer.accounts.revokeKey(id, next.id)
  expect(await ask(next.secret)).toEqual(refused)
  expect(() => issuer.accounts.rotateKey(id, next.id, 1000)).toThrow(
    expect.objectContaining({ code: 'ISSUER_ACCOUNT' }),
  )
  // One with an end of its own.
  const short = issuer.accounts.addKey(id, issuer.clock.now + 10)
  expect(await ask(short.secret)).toEqual([200, undefined])
  issuer.clock.now += 10
  expect(await ask(short.secret)).toEqual(refused)
  const kept = JSON.stringify(
    issuer.database.db.prepare('SELECT * FROM api_keys').all(),
    (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value),
  )
  for (const one of [secret, next.secret, short.secret]) expect(kept).not.toContain(one.slice(9))
})
