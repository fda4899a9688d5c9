import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { runAs } from '../../../src/engines/host/party.ts'
import { Slots } from '../../../src/engines/host/slots.ts'
import { codeOf } from './fake-model.ts'

/** Lets everything that was admitted run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Slots with a record of who got one, in order, and a way to give the oldest back. */
function watched(
  limit: number,
  maxWaiting: number,
): {
  slots: Slots
  served: string[]
  refused: string[]
  ask: (party: string, signal?: AbortSignal) => void
  finish: () => Promise<void>
} {
  const slots = new Slots(maxWaiting, 60_000)
  slots.setLimit(limit)
  const [served, refused]: [string[], string[]] = [[], []]
  const running: (() => void)[] = []
  return {
    slots,
    served,
    refused,
    ask: (party, signal) => {
      slots.enter(signal, party).then(
        (leave) => (served.push(party), running.push(leave)),
        () => refused.push(party),
      )
    },
    finish: async () => {
      running.shift()!()
      await settle()
    },
  }
}

describe(claim('T19', 'admission is fair between parties'), () => {
  it('gives a newcomer the next slot, however many of another wait', async () => {
    const { served, ask, finish } = watched(2, 300)
    for (let i = 0; i < 200; i++) ask('flood')
    await settle()
    ask('one')
    await finish()
    expect(served).toEqual(['flood', 'flood', 'one'])
  })

  it('takes turns between parties that hold as much', async () => {
    const { served, ask, finish } = watched(1, 300)
    for (let i = 0; i < 50; i++) ask('a')
    for (const party of ['b', 'b', 'c', 'c']) ask(party)
    await settle()
    for (let i = 0; i < 6; i++) await finish()
    expect(served).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a'])
  })

  it('keeps one party from filling the queue, and says so to its newest', async () => {
    const { slots, served, refused, ask, finish } = watched(1, 32)
    for (let i = 0; i < 200; i++) ask('flood')
    await settle()
    expect([slots.queued, refused.length]).toEqual([32, 167])
    ask('one')
    await settle()
    expect([slots.queued, refused.length, refused.at(-1)]).toEqual([32, 168, 'flood'])
    await finish()
    await finish()
    expect(served).toContain('one')
  })

  it('refuses whoever has as much in a full queue as everybody else', async () => {
    const { refused, ask } = watched(0, 2)
    for (const party of ['a', 'b', 'c', 'a']) ask(party)
    await settle()
    expect(refused).toEqual(['c', 'a'])
  })

  it('takes the party from whoever runs it', async () => {
    const slots = new Slots(10, 60_000)
    slots.setLimit(1)
    const order: string[] = []
    const as = (party: string): Promise<unknown> =>
      runAs(party, async () => {
        await settle()
        const leave = await slots.enter()
        order.push(party)
        await settle()
        leave()
      })
    await Promise.all([as('a'), as('a'), as('a'), as('b')])
    expect(order.indexOf('b')).toBeLessThan(3)
    expect(slots.active).toBe(0)
  })
})

describe('slots', () => {
  it('counts a slot that is given back twice once', async () => {
    const slots = new Slots(1, 60_000)
    slots.setLimit(1)
    const leave = await slots.enter()
    leave()
    leave()
    expect(slots.active).toBe(0)
    await slots.enter()
    expect(slots.active).toBe(1)
  })

  it('forgets who aborts, and lets the next in', async () => {
    const { slots, served, refused, ask, finish } = watched(1, 10)
    ask('a')
    const abort = new AbortController()
    ask('b', abort.signal)
    ask('c')
    await settle()
    abort.abort()
    await settle()
    expect([slots.queued, refused]).toEqual([1, ['b']])
    await finish()
    expect(served).toEqual(['a', 'c'])
  })

  it('refuses everybody once it is closed', async () => {
    const slots = new Slots(10, 60_000)
    const waiting = codeOf(slots.enter())
    slots.close(Object.assign(new Error('over'), { code: 'OVER' }))
    expect([await waiting, await codeOf(slots.enter())]).toEqual(['OVER', 'OVER'])
  })
})
