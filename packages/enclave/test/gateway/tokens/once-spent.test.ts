import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { createBrought } from '../../../src/gateway/tokens/brought.ts'
import type { SpentSet } from '../../../src/gateway/tokens/index.ts'
import { ask, openGateway } from '../parties.ts'
import { makeKeys, openGate } from './parties.ts'

makeKeys()

/** A spent set that answers when the test says, and an app that says what it was called with. */
function openHeld(app: (request: Request) => Promise<Response> = async () => new Response('the answer')) {
  const spends: ((isFirst: boolean | Error) => void)[] = []
  const spent: SpentSet = {
    spend: () =>
      new Promise((resolve, reject) => {
        spends.push((found) => (found instanceof Error ? reject(found) : resolve([found])))
      }),
  }
  const gate = openGate({ spent })
  const requests: Request[] = []
  const gateway = openGateway(
    (request) => {
      requests.push(request)
      return app(request)
    },
    { tokens: gate.gate, onlyComputes: (method, path) => method === 'POST' && path === '/v1/compute' },
  )
  const authorization = gate.authorization()
  const send = (path = '/v1/compute', body = 'secret prompt') =>
    ask(gateway, {
      path,
      body,
      fields: [
        ['date', new Date().toUTCString()],
        ['authorization', authorization],
      ],
    })
  return { requests, spends, send }
}

const isSettled = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), sleep(50).then(() => false)])

describe('while a token is being spent', () => {
  it(claim('T12', 'work begins, and no answer leaves before the spend is durable'), async () => {
    const { requests, spends, send } = openHeld()
    const answer = send()
    expect(await isSettled(answer)).toBe(false)
    expect(requests).toHaveLength(1)
    spends[0]!(true)
    expect(await answer).toMatchObject({ status: 200, text: 'the answer' })
  })

  it('what was begun for a spent token ends, and nobody gets its answer', async () => {
    let cancelled: unknown
    const { requests, spends, send } = openHeld(async () => {
      const body = new ReadableStream({ cancel: (reason) => void (cancelled = reason ?? 'cancelled') })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    const answer = send()
    expect(await isSettled(answer)).toBe(false)
    spends[0]!(false)
    const { status, text, headers } = await answer
    expect([status, headers.get('sotto-token')]).toEqual([401, 'spent'])
    expect(text).not.toContain('the answer')
    expect(requests[0]!.signal.aborted).toBe(true)
    await expect.poll(() => cancelled).toBe('cancelled')
  })

  it('an app that is still reading, or fails, changes nothing of the refusal', async () => {
    for (const app of [
      async (request: Request) => new Response(await request.text()),
      async () => {
        throw new Error('no engine')
      },
    ]) {
      const { spends, send } = openHeld(app)
      const answer = send('/v1/compute', 'x'.repeat(100_000))
      expect(await isSettled(answer)).toBe(false)
      spends[0]!(new Error('the KMS is gone'))
      expect(await answer).toMatchObject({ status: 503 })
    }
  })

  it('what fails is told once the token is spent', async () => {
    const { spends, send } = openHeld(async () => {
      throw new Error('no engine')
    })
    const answer = send()
    expect(await isSettled(answer)).toBe(false)
    spends[0]!(true)
    expect(await answer).toMatchObject({ status: 500 })
  })

  it('nothing begins that changes something', async () => {
    const { requests, spends, send } = openHeld()
    const answer = send('/v1/change')
    expect(await isSettled(answer)).toBe(false)
    expect(requests).toHaveLength(0)
    spends[0]!(true)
    expect((await answer).status).toBe(200)
    expect(requests).toHaveLength(1)
  })

  it(claim('T12', 'for one token work begins once, however often it is brought'), async () => {
    const { requests, spends, send } = openHeld()
    const answers = [send(), send(), send()]
    await isSettled(Promise.all(answers))
    expect(requests).toHaveLength(1)
    for (const [index, spend] of spends.entries()) spend(index === 0)
    expect((await Promise.all(answers)).map(({ status }) => status).toSorted()).toEqual([200, 401, 401])
    // Also when it was not spent the first time.
    const again = send()
    await isSettled(again)
    expect(requests).toHaveLength(1)
    spends.at(-1)!(true)
    expect((await again).status).toBe(200)
    expect(requests).toHaveLength(2)
  })
})

it('what was brought is remembered up to a bound, the latest longest', () => {
  const brought = createBrought(2)
  const add = (name: number): boolean => brought.add(Uint8Array.of(name))
  expect([1, 1, 2, 3, 3, 2, 1].map(add)).toEqual([true, false, true, true, false, false, true])
})
