import { describe, expect, it } from 'vitest'
import { concat, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { claim } from '../../../../test/claims.ts'
import { createKeyRing } from '../../src/gateway/key-ring.ts'
import { post, REFUSED, withEffects } from './effects.ts'
import { newKey, openAnswer, outerRequest, POLICY, sealedChunks, type TestGateway } from './parties.ts'
import { makeKeys, openGate } from './tokens/parties.ts'

makeKeys()

/** A message, and one that is to take its place. */
function pairOf(gateway: TestGateway, more: [string, string][] = []) {
  const date: [string, string] = ['date', new Date().toUTCString()]
  const first = sealedChunks(gateway.key, { body: 'pay 100', fields: [date, ...more] })
  const name = toBase64Url(crypto.sha256(first.sealer.enc))
  const fields: [string, string][] = [date, ['sotto-replaces', name], ...more]
  const second = sealedChunks(gateway.key, { body: 'pay 100', fields })
  return { first, second, firstWire: concat(...first.parts), secondWire: concat(...second.parts) }
}

async function answerTo(
  gateway: TestGateway,
  { sealer, parts }: ReturnType<typeof sealedChunks>,
): Promise<{ status: number; code: string | undefined; retry: string | null }> {
  const { status, text, headers } = await openAnswer(
    await gateway.app(outerRequest(concat(...parts))),
    sealer,
  )
  const code = /"code":"(\w+)"/.exec(text)?.[1]
  return { status, code, retry: headers.get('x-should-retry') }
}

describe('of a message and the one that takes its place', () => {
  it(claim('T12.once', 'the first one runs when it came first, and the second hears so'), async () => {
    const { gateway, effects } = withEffects()
    const { firstWire, second } = pairOf(gateway)
    expect((await post(gateway, firstWire)).status).toBe(200)
    expect(await answerTo(gateway, second)).toEqual({
      status: 409,
      code: 'gateway_replaced',
      retry: 'false',
    })
    expect(effects).toEqual(['pay 100'])
  })

  it(claim('T12.once', 'the first one never runs once the second has'), async () => {
    const { gateway, effects } = withEffects()
    const { firstWire, second } = pairOf(gateway)
    expect((await answerTo(gateway, second)).status).toBe(200)
    expect(await post(gateway, firstWire)).toEqual(REFUSED)
    expect(effects).toEqual(['pay 100'])
  })

  it('one runs when both arrive together', async () => {
    const { gateway, effects } = withEffects()
    const pairs = Array.from({ length: 8 }, () => pairOf(gateway))
    await Promise.all(
      pairs.flatMap(({ firstWire, secondWire }) => [post(gateway, firstWire), post(gateway, secondWire)]),
    )
    expect(effects).toHaveLength(8)
  })

  it('the first one counts under a key that members ended meanwhile', async () => {
    const { gateway, effects } = withEffects()
    const { first, firstWire } = pairOf(gateway)
    expect((await post(gateway, firstWire)).status).toBe(200)
    const next = newKey(8)
    gateway.keys.install([{ key: next, policy: 'cd'.repeat(32), notAfter: gateway.clock.wall / 1000 + 3600 }])
    expect(gateway.keys.find(7)).toBeUndefined()
    const fields: [string, string][] = [
      ['date', new Date().toUTCString()],
      ['sotto-replaces', toBase64Url(crypto.sha256(first.sealer.enc))],
    ]
    expect(await answerTo(gateway, sealedChunks(next, { body: 'pay 100', fields }))).toMatchObject({
      status: 409,
    })
    expect(effects).toHaveLength(1)
  })

  it('the second one is not charged for what the first one had', async () => {
    const gate = openGate()
    const { gateway, effects } = withEffects({ tokens: gate.gate })
    const { firstWire, second } = pairOf(gateway, [['authorization', gate.authorization()]])
    expect((await post(gateway, firstWire)).status).toBe(200)
    expect(await answerTo(gateway, second)).toMatchObject({ status: 409, code: 'gateway_replaced' })
    expect(effects).toHaveLength(1)
  })
})

const NO_NAMES = ['', 'x', `${'A'.repeat(42)}=`, `${'A'.repeat(42)}B`, 'A'.repeat(44)]
it.each(NO_NAMES)('refuses a name that is none: %j', async (name) => {
  const { gateway, effects } = withEffects()
  const fields: [string, string][] = [
    ['date', new Date().toUTCString()],
    ['sotto-replaces', name],
  ]
  expect(await answerTo(gateway, sealedChunks(gateway.key, { body: 'x', fields }))).toMatchObject({
    status: 421,
    code: 'gateway_target',
  })
  expect(effects).toEqual([])
})

describe('a ring', () => {
  const digest = crypto.sha256(utf8('enc'))
  function ring(maxEntries = 10) {
    const clock = { now: 1000, mono: 0 }
    const keys = createKeyRing({
      keepMs: 1000,
      maxEntries,
      monotonicNow: () => clock.mono,
      now: () => clock.now,
    })
    keys.install([{ key: newKey(7), policy: POLICY, notAfter: 2000 }])
    return { keys, clock }
  }

  it('decides once, and keeps to it', () => {
    const { keys } = ring()
    expect([keys.replace(digest), keys.replace(digest)]).toEqual([true, false])
    expect([keys.has(7, utf8('enc')), keys.claim(7, utf8('enc'))]).toEqual([true, false])
    expect(keys.claim(7, utf8('other'))).toBe(true)
    expect(keys.replace(crypto.sha256(utf8('other')))).toBe(false)
  })

  it('knows what was opened under a key that ended, while a date of that time is accepted', () => {
    const { keys, clock } = ring()
    keys.claim(7, utf8('enc'))
    clock.now = 2001
    keys.wipeExpired()
    clock.mono = 1000
    expect(keys.replace(digest)).toBe(false)
    clock.mono = 2001
    expect(keys.replace(digest)).toBe(true)
  })

  it('refuses rather than forget a decision', () => {
    const { keys } = ring(1)
    keys.replace(digest)
    expect(() => keys.replace(crypto.sha256(utf8('more')))).toThrow(
      expect.objectContaining({ code: 'GATEWAY_REPLAY_FULL' }),
    )
  })
})
