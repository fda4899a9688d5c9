import { expect, it } from 'vitest'
import { claim } from '../claims.ts'
import { Party, token } from './party.ts'

const unavailable = { code: 'GATEWAY_SPENT_UNAVAILABLE', action: 'retry' }
const lost = new TypeError('fetch failed')

it(claim('T12', 'an answer that is lost on its way: the same question gets the same answer'), async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
  const one = token(party.world)
  let losses = 3
  a.carry = async (path, send) => {
    const response = await send()
    if (path === '/v1/spend' && losses-- > 0) throw lost
    return response
  }
  expect(await a.spend(one, token(party.world), one)).toEqual([true, true, false])
  expect(await b.spend(one)).toEqual([false])
})

it(claim('T12', 'a KMS killed between commit and answer: the next run gives that answer'), async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
  const one = token(party.world)
  let isKilled = false
  a.carry = async (path, send) => {
    if (path !== '/v1/spend' || isKilled) return send()
    isKilled = true
    await send()
    await party.restart()
    await b.set.tick().catch(() => undefined)
    throw lost
  }
  expect(await a.spend(one)).toEqual([true])
  expect(await b.spend(one)).toEqual([false])
  // Asked in a way of its own, it is spent.
  expect(await a.spend(one)).toEqual([false])
})

it('a KMS killed before the commit: nothing was spent, and the same question spends it', async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
  const one = token(party.world)
  let isKilled = false
  a.carry = async (path, send) => {
    if (path !== '/v1/spend' || isKilled) return send()
    isKilled = true
    await party.restart()
    await b.set.tick().catch(() => undefined)
    throw lost
  }
  expect(await a.spend(one)).toEqual([true])
  expect(await b.spend(one)).toEqual([false])
})

it.each(['not-persisted', 'reported-failed'] as const)(
  'a commit that fails, %s: asked again, once',
  async (fault) => {
    const party = await Party.open()
    const [a, b] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
    const one = token(party.world)
    let failures = 2
    party.store.fault = () => (failures-- > 0 ? fault : undefined)
    expect(await a.spend(one)).toEqual([true])
    expect(failures).toBeLessThan(0)
    party.store.fault = () => undefined
    expect(await b.spend(one)).toEqual([false])
    // What the next run reads says the same.
    await party.restart()
    await Promise.allSettled([a.set.tick(), b.set.tick()])
    expect(await b.spend(one, token(party.world))).toEqual([false, true])
  },
)

it(claim('T12', 'a gateway killed between spending and serving: the token stays spent'), async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway(), await party.gateway()]
  const one = token(party.world)
  // Its request arrives, and nobody is there to hear the answer.
  const answered = new Promise<void>((resolve) => {
    a.carry = async (_, send) => {
      await send()
      resolve()
      return new Promise(() => undefined)
    }
  })
  void a.spend(one)
  await answered
  expect(await b.spend(one)).toEqual([false])
})

it(claim('T12', 'no answer: nobody is let in, and not for longer than a while'), async () => {
  const party = await Party.open()
  const a = await party.gateway()
  a.carry = () => Promise.reject(lost)
  const started = performance.now()
  await expect(a.spend(token(party.world))).rejects.toMatchObject(unavailable)
  expect(performance.now() - started).toBeLessThan(2000)
})

it('what was given up is not answered later: the next question has another number', async () => {
  const party = await Party.open()
  const a = await party.gateway()
  const [one, two] = [token(party.world), token(party.world)]
  const late: (() => Promise<Response>)[] = []
  a.carry = (path, send) => {
    if (path !== '/v1/spend') return send()
    late.push(send)
    return Promise.reject(lost)
  }
  await expect(a.spend(one)).rejects.toMatchObject(unavailable)
  a.carry = (_, send) => send()
  expect(await a.spend(two)).toEqual([true])
  // Delivered after all: an old number is refused, so the token is not even used up.
  expect(await (await late[0]!()).json()).toMatchObject({ error: { code: 'KMS_SPEND_COUNTER' } })
  expect(await a.spend(one)).toEqual([true])
})
