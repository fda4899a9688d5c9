import { expect, it } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeChallenge, parseDirectory, signIssuerKeys, verifyIssuerKeys } from '@sotto/protocol/tokens'
import { oneShot } from '../../packages/client/test/support/open.ts'
import { claim } from '../claims.ts'
import { ask, openTown } from './town.ts'

it(
  claim('T18', 'no bearer key and no API key on the anonymous path, outside or inside the encryption'),
  async () => {
    const town = await openTown()
    const sotto = await town.newClient()
    expect(await (await ask(sotto)).text()).toBe('served')
    const { service, issuances } = town
    for (const { headers } of service.outerCalls) expect(headers).not.toHaveProperty('authorization')
    const inside = service.innerCalls
      .map(({ headers }) => headers['authorization'])
      .filter((one) => one !== undefined)
    expect(inside).toEqual([expect.stringMatching(/^PrivateToken token="/)])
    const apiKey = issuances
      .find(({ headers }) => headers['authorization'])!
      .headers['authorization']!.slice('Bearer '.length)
    expect(apiKey).toMatch(/^sk-sotto-/)
    const anonymous = JSON.stringify([service.outerCalls, service.innerCalls], (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    )
    expect(anonymous).not.toContain('Bearer')
    expect(anonymous).not.toContain(apiKey)
    // The issuer is asked directly: nothing of it goes through the relay.
    expect(
      service.outerCalls.every(({ path }) => path.startsWith('/relay/') || path.startsWith('/log/')),
    ).toBe(true)
  },
)

it('tries once more with another token when the gateway lost its memory, and not when the body is gone', async () => {
  const town = await openTown()
  const sotto = await town.newClient()
  await ask(sotto)
  town.restartGateway()
  expect((await ask(sotto)).status).toBe(200)
  expect(town.tokens).toHaveLength(3)
  town.restartGateway()
  const refused = await ask(sotto, oneShot(200_000))
  expect(refused.status).toBe(401)
  expect(await refused.json()).toMatchObject({ error: { code: 'gateway_token_challenge' } })
  expect((await ask(sotto, oneShot(200_000))).status).toBe(200)
})

it('keeps its tokens while the gateway cannot tell which are good', async () => {
  const town = await openTown()
  // As many as one pool holds: of a token thrown away, a later request would miss one.
  const sotto = await town.newClient({}, 4)
  expect((await ask(sotto)).status).toBe(200)
  town.bend.isIssuerUnheard = true
  for (let i = 0; i < 6; i++) {
    const response = await ask(sotto)
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
      503,
      'gateway_issuer_silent',
    ])
  }
  town.bend.isIssuerUnheard = false
  for (let i = 0; i < 3; i++) expect((await ask(sotto)).status).toBe(200)
  await expect(ask(sotto)).rejects.toMatchObject({ code: 'ISSUER_QUOTA' })
})

it('gives up after the second refusal, with the words of the gateway', async () => {
  const town = await openTown()
  const sotto = await town.newClient()
  // An issuer key the gateway has not heard of.
  town.issuer.clock.now += 11 * 86_400
  await town.issuer.keys.tick()
  const { app } = town.service.knobs
  town.service.knobs.app = (request) => {
    const headers = new Headers(request.headers)
    if (headers.has('authorization')) headers.set('authorization', 'PrivateToken token="AAIA"')
    return app(new Request(request, { headers }))
  }
  const before = town.service.innerCalls.length
  const response = await ask(sotto)
  expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
    401,
    'gateway_token_invalid',
  ])
  const asked = town.service.innerCalls.slice(before).filter(({ path }) => path.startsWith('/v1/'))
  expect(asked).toHaveLength(2)
})

it('an answer of the issuer that is lost costs nothing: the same request is sent again', async () => {
  const town = await openTown()
  let lost = 0
  const { app } = town.issuer
  town.issuer.app = async (request) => {
    const response = await app(request)
    if (new URL(request.url).pathname === '/token-request' && lost++ === 0)
      throw new TypeError('connection reset')
    return response
  }
  const sotto = await town.newClient({}, 4)
  await expect.poll(async () => (await ask(sotto).catch(() => undefined))?.status).toBe(200)
  expect(lost).toBeGreaterThanOrEqual(2)
  // Four in all: had the lost ones been charged apart from these, the quota would be over.
  expect(town.issuer.charges.usage()).toMatchObject([{ tokens: 4 }])
})

it('says what is wrong with an account: quota, API key, class', async () => {
  const town = await openTown()
  const poor = await town.newClient({}, 0)
  await expect(ask(poor)).rejects.toMatchObject({ code: 'ISSUER_QUOTA', action: 'retry' })
  for (const { id } of town.issuer.accounts.list())
    for (const key of town.issuer.accounts.keys(id)) town.issuer.accounts.revokeKey(id, key.id)
  const other = await town.newClient()
  town.issuer.accounts.revokeKey(...lastKey(town.issuer.accounts))
  await expect(ask(other)).rejects.toMatchObject({
    code: 'ISSUER_REFUSED',
    action: 'fix-input',
    found: 'ISSUER_UNAUTHORIZED',
  })
  // Nothing of the request was sent.
  expect(town.service.innerCalls.filter(({ path }) => path.startsWith('/v1/'))).toEqual([])
})

it('buys no token for a service that takes those of another issuer', async () => {
  const town = await openTown()
  const { app } = town.service.knobs
  const another = encodeChallenge({
    issuerName: 'other.example',
    redemptionContext: new Uint8Array(),
    originInfo: '',
  })
  town.service.knobs.app = async (request) =>
    new URL(request.url).pathname === '/sotto/token-challenge'
      ? new Response(another as Uint8Array<ArrayBuffer>)
      : app(request)
  const confused = await town.newClient()
  await expect(ask(confused)).rejects.toMatchObject({ code: 'ISSUER_REFUSED', found: 'issuer.example' })
  expect(town.issuer.charges.usage()).toEqual([])
})

it(claim('T18', 'an issuer that shows one client other keys gets no request of it'), async () => {
  const town = await openTown()
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const logged = parseDirectory(town.issuer.keys.directory!)
  const { statement } = verifyIssuerKeys(logged.envelope, town.issuer.publicKey)
  const private1 = signIssuerKeys({ ...statement, issuedAt: 1 }, { secretSeed, publicKey })
  const fork = town.service.world.log.fork(3)
  fork.append(utf8(private1))
  const directories = {
    'signed by nobody pinned': { ...logged, envelope: signIssuerKeys(statement, { secretSeed, publicKey }) },
    'not in the log': { ...logged, envelope: private1 },
    'in a log with another past': {
      ...(await fork.prove(utf8(private1))),
      checkpoint: await fork.checkpoint({ time: town.service.now() }),
    },
    'cosigned by too few': {
      ...logged,
      checkpoint: await town.service.world.log.checkpoint({ time: town.service.now(), witnesses: 0 }),
    },
  }
  for (const [name, directory] of Object.entries(directories)) {
    town.bend.issuer = () =>
      new Response(JSON.stringify({ 'sotto-issuer-keys': directory }), {
        headers: { 'content-type': 'application/private-token-issuer-directory' },
      })
    const pinned =
      name === 'signed by nobody pinned' || name === 'cosigned by too few' ? town.issuer.publicKey : publicKey
    const sotto = await town.newClient({
      tokens: {
        issuer: { url: 'https://issuer.example', key: toBase64Url(pinned) },
        apiKey: `sk-sotto-${'A'.repeat(43)}`,
        fetch: async () => town.bend.issuer!('')!,
      },
    })
    await expect(ask(sotto), name).rejects.toMatchObject({ code: 'ISSUER_INVALID', action: 'stop' })
  }
  expect(town.service.innerCalls.filter(({ path }) => path.startsWith('/v1/'))).toEqual([])
})

it('refuses a configuration that would send an API key in clear, or somewhere odd', async () => {
  const town = await openTown()
  const good = {
    issuer: { url: 'https://issuer.example', key: toBase64Url(town.issuer.publicKey) },
    apiKey: `sk-sotto-${'A'.repeat(43)}`,
  }
  for (const tokens of [
    { ...good, issuer: { ...good.issuer, url: 'http://issuer.example' } },
    { ...good, issuer: { ...good.issuer, url: 'https://user:pw@issuer.example' } },
    { ...good, issuer: { ...good.issuer, key: 'short' } },
    { ...good, apiKey: 'sk-of-somebody-else' },
    { ...good, poolSize: 0 },
  ])
    await expect(town.newClient({ tokens })).rejects.toMatchObject({ code: 'ISSUER_URL' })
})

function lastKey(accounts: {
  list(): { id: string }[]
  keys(id: string): { id: string }[]
}): [string, string] {
  for (const { id } of accounts.list().toReversed()) {
    const [key] = accounts.keys(id)
    if (key) return [id, key.id]
  }
  throw new Error('no key')
}
