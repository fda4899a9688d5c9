import { expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { encodeKeyConfig, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { connect, type Sotto } from '@sotto/client'
import { createWorld } from '@sotto/testkit'
import { createDateWindow } from '../../packages/enclave/src/gateway/date-window.ts'
import { newKey, openGateway, type TestGateway } from '../../packages/enclave/test/gateway/parties.ts'
import { claim } from '../claims.ts'
import { ask, openTown } from './town.ts'

const ALGORITHMS = [{ kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM }]
const notTaken = (): Response => new Response(null, { status: 422 })

/** A client, gateways that really open messages, and a relay between them that does as it likes. */
async function openFleet(
  size: number,
  relay: (message: Request, gateways: TestGateway[]) => Promise<Response>,
  startedLate = false,
) {
  const key = new OhttpGatewayKey(7, kemById(HPKE_KEM.X_WING).generate(), ALGORITHMS)
  const now = Math.floor(Date.now() / 1000)
  const world = await createWorld({
    now,
    keys: (policy, time) => [
      {
        keyId: 7,
        config: toBase64Url(encodeKeyConfig(key.config)),
        policy,
        notBefore: time - 50,
        notAfter: time + 3600,
      },
    ],
  })
  const ran: string[] = []
  const late = createDateWindow({ windowMs: 300_000, now: () => Date.now() + 10_000 })
  late.open()
  const gateways = Array.from({ length: size }, (_, index) => {
    const gateway = openGateway(
      async (request) => {
        ran.push(`${await request.text()} at ${index}`)
        return new Response('served')
      },
      // The last one starts ten seconds after the first message.
      startedLate && index === size - 1 ? { dates: late } : {},
    )
    gateway.keys.install([{ key, policy: world.keyPolicyDigest, notAfter: now + 3600 }])
    return gateway
  })
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input))
    if (url.pathname.endsWith('/trust'))
      return new Response(encodeTrustBundle(world.bundle) as Uint8Array<ArrayBuffer>, {
        headers: { 'content-type': 'application/json' },
      })
    return relay(new Request('http://gateway/ohttp', { ...init, duplex: 'half' } as RequestInit), gateways)
  }
  const sotto = await connect('https://relay.example', { policy: world.policy, fetch })
  return { sotto, ran, gateways }
}

/** Passes a message on, takes the answer in, and forgets it. */
async function swallow(gateway: TestGateway, message: Request): Promise<void> {
  await (await gateway.app(message)).arrayBuffer()
}

const pay = (sotto: Sotto): Promise<Response> => ask(sotto, 'pay 100')

it(
  claim('T12.once', 'a relay that passes a request on and says it was not taken has it run once'),
  async () => {
    let messages = 0
    const { sotto, ran } = await openFleet(1, async (message, [gateway]) => {
      if (++messages > 1) return gateway!.app(message)
      await swallow(gateway!, message)
      return notTaken()
    })
    const response = await pay(sotto)
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([409, 'false'])
    expect(await response.json()).toMatchObject({ error: { code: 'gateway_replaced' } })
    expect([messages, ran]).toEqual([2, ['pay 100 at 0']])
  },
)

it(claim('T12.once', 'nor does it have the first one run after the second'), async () => {
  let kept: Request | undefined
  const { sotto, ran, gateways } = await openFleet(1, async (message, [gateway]) => {
    if (kept !== undefined) return gateway!.app(message)
    kept = message
    return notTaken()
  })
  expect(await (await pay(sotto)).text()).toBe('served')
  expect((await gateways[0]!.app(kept!)).status).toBe(400)
  expect(ran).toEqual(['pay 100 at 0'])
})

it('a gateway that does not hold the key yet, behind one address with others, costs its sender nothing', async () => {
  let messages = 0
  const { sotto, ran, gateways } = await openFleet(2, async (message, fleet) =>
    fleet[messages++]!.app(message),
  )
  gateways[0]!.keys.install([
    { key: newKey(9), policy: 'cd'.repeat(32), notAfter: Math.floor(Date.now() / 1000) + 3600 },
  ])
  expect(await (await pay(sotto)).text()).toBe('served')
  expect([messages, ran]).toEqual([2, ['pay 100 at 1']])
})

it('a gateway that started after the first message takes none in its place', async () => {
  let messages = 0
  const { sotto, ran } = await openFleet(
    2,
    async (message, [first, started]) => {
      if (++messages > 1) return started!.app(message)
      await swallow(first!, message)
      return notTaken()
    },
    true,
  )
  const response = await pay(sotto)
  expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
  expect([messages, ran]).toEqual([2, ['pay 100 at 0']])
})

it(
  claim('T12.once', 'with a token, at another gateway of the same spent set: one run, one token'),
  async () => {
    const town = await openTown()
    let messages = 0
    const sotto = await town.newClient({
      async fetch(input, init) {
        const response = await town.service.fetch(input, init)
        const isAsked = town.service.innerCalls.at(-1)?.path === '/v1/chat/completions'
        if (init?.method !== 'POST' || !isAsked || ++messages > 1) return response
        await response.arrayBuffer()
        return notTaken()
      },
    })
    const response = await ask(sotto)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { code: 'gateway_token_spent' } })
    expect([messages, new Set(town.tokens.map(({ nonce }) => toBase64Url(nonce))).size]).toEqual([2, 1])
    // What is left of the shelf is good.
    expect(await (await ask(sotto)).text()).toBe('served')
  },
)

it(claim('T12.once', 'an authentic "spent" of another gateway has no second token spent'), async () => {
  const town = await openTown()
  let messages = 0
  const sotto = await town.newClient({
    async fetch(input, init) {
      const body = init?.body as Uint8Array<ArrayBuffer>
      const response = await town.service.fetch(input, init)
      const isAsked = town.service.innerCalls.at(-1)?.path === '/v1/chat/completions'
      if (init?.method !== 'POST' || !isAsked || ++messages > 1) return response
      // The same message once more: this gateway has no replay window, as another one has none of the first.
      await response.arrayBuffer()
      return town.service.fetch(input, { ...init, body })
    },
  })
  const response = await ask(sotto)
  expect([response.status, messages]).toEqual([401, 1])
  expect(new Set(town.tokens.map(({ nonce }) => toBase64Url(nonce))).size).toBe(1)
})
