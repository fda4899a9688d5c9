import { describe, expect, it } from 'vitest'
import { type Admission, type AdmissionRefused, createAdmission } from '../../src/proxy/admission.ts'
import type { UserLimits } from '../../src/proxy/users.ts'

const here = new AbortController().signal
type Entered = (() => void) | AdmissionRefused
const enter = (admission: Admission, user: string, limits: UserLimits = {}): Promise<Entered> =>
  admission.enter({ user, limits }, here)

/** Enters, and notes in `order` when it got in or was refused. */
function line(admission: Admission, order: string[]) {
  return (user: string, tag = user): { done: Promise<void>; leave: () => void } => {
    let leave = (): void => {}
    const done = enter(admission, user).then((result) => {
      order.push(typeof result === 'function' ? tag : `${tag} ${result.refused}`)
      if (typeof result === 'function') leave = result
    })
    return { done, leave: () => leave() }
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('requests of one user', () => {
  it('are as many at once as its limit says, and those of others are not in the way', async () => {
    const admission = createAdmission()
    const first = await enter(admission, 'ada', { concurrent: 1 })
    expect(await enter(admission, 'ada', { concurrent: 1 })).toEqual({
      refused: 'concurrent',
      retryAfterSeconds: 1,
    })
    expect(typeof (await enter(admission, 'bob', { concurrent: 1 }))).toBe('function')
    ;(first as () => void)()
    expect(typeof (await enter(admission, 'ada', { concurrent: 1 }))).toBe('function')
  })

  it('give a place back once', async () => {
    const admission = createAdmission({ maxConcurrent: 2 })
    const leave = (await enter(admission, 'ada')) as () => void
    await enter(admission, 'ada')
    leave()
    leave()
    expect(admission.running).toBe(1)
  })

  it('are as many in a minute as its limit says, and it is told when to come back', async () => {
    let now = 0
    const admission = createAdmission({ now: () => now })
    const ask = (): Promise<Entered> => enter(admission, 'ada', { requestsPerMinute: 3 })
    for (let i = 0; i < 3; i++) expect(typeof (await ask())).toBe('function')
    expect(await ask()).toEqual({ refused: 'rate', retryAfterSeconds: 20 })
    now = 19_000
    expect(await ask()).toEqual({ refused: 'rate', retryAfterSeconds: 1 })
    now = 20_000
    expect(typeof (await ask())).toBe('function')
    expect(await ask()).toMatchObject({ refused: 'rate' })
    // A pause of hours saves up no more than a minute's.
    now = 36_000_000
    for (let i = 0; i < 3; i++) expect(typeof (await ask())).toBe('function')
    expect(await ask()).toMatchObject({ refused: 'rate' })
  })

  it('count when they are refused for their number neither as sent nor as running', async () => {
    const admission = createAdmission({ now: () => 0 })
    const limits = { concurrent: 1, requestsPerMinute: 2 }
    const leave = (await enter(admission, 'ada', limits)) as () => void
    for (let i = 0; i < 5; i++)
      expect(await enter(admission, 'ada', limits)).toMatchObject({ refused: 'concurrent' })
    leave()
    expect(typeof (await enter(admission, 'ada', limits))).toBe('function')
    expect(admission.running).toBe(1)
  })
})

describe('where more is asked than there is room for', () => {
  it('a flood of one user holds nobody else up: free places go to whoever has the fewest', async () => {
    const admission = createAdmission({ maxConcurrent: 3 })
    const order: string[] = []
    const ask = line(admission, order)
    const flood = Array.from({ length: 10 }, (_, i) => ask('flood', `flood${i}`))
    await settled()
    const [bob, carol] = [ask('bob'), ask('carol')]
    await settled()
    expect([order, admission.running, admission.waiting]).toEqual([['flood0', 'flood1', 'flood2'], 3, 9])
    flood[0]!.leave()
    flood[1]!.leave()
    await settled()
    expect(order.slice(3)).toEqual(['bob', 'carol'])
    bob.leave()
    carol.leave()
    await settled()
    expect(order.slice(5)).toEqual(['flood3', 'flood4'])
  })

  it('users take turns, whoever came first and however much each asks', async () => {
    const admission = createAdmission({ maxConcurrent: 1 })
    const order: string[] = []
    const ask = line(admission, order)
    const held = ask('first')
    await settled()
    const waiting = [...'aaaaabbbc'].map((user) => ask(user))
    held.leave()
    for (let i = 0; i < waiting.length; i++) {
      await settled()
      for (const one of waiting) one.leave()
    }
    await settled()
    expect(order.join('')).toBe('firstabcababaa')
    expect([admission.running, admission.waiting]).toEqual([0, 0])
  })

  it('as many wait as may; then whoever has the most in line makes room for others, last come first', async () => {
    const admission = createAdmission({ maxConcurrent: 1, maxWaiting: 4 })
    const order: string[] = []
    const ask = line(admission, order)
    ask('flood', 'f0')
    await settled()
    for (let i = 1; i <= 5; i++) ask('flood', `f${i}`)
    await settled()
    expect(order).toEqual(['f0', 'f5 busy'])
    ask('bob')
    ask('carol')
    await settled()
    expect(order).toEqual(['f0', 'f5 busy', 'f4 busy', 'f3 busy'])
    ask('dave')
    await settled()
    expect(order.at(-1)).toBe('f2 busy')
    // Everybody has one in line: nobody has more than the newcomer would.
    ask('erin')
    await settled()
    expect(order.at(-1)).toBe('erin busy')
    expect(admission.waiting).toBe(4)
  })

  it('nobody waits for ever, and those behind move up', async () => {
    const admission = createAdmission({ maxConcurrent: 1, maxWaitMs: 20 })
    await enter(admission, 'ada')
    expect(await enter(admission, 'bob')).toEqual({ refused: 'busy', retryAfterSeconds: 1 })
    expect(admission.waiting).toBe(0)
  })

  it('nobody waits at all where nobody may', async () => {
    const admission = createAdmission({ maxConcurrent: 1, maxWaiting: 0 })
    await enter(admission, 'ada')
    expect(await enter(admission, 'bob')).toMatchObject({ refused: 'busy' })
  })

  it('whoever leaves while it waits is forgotten', async () => {
    const admission = createAdmission({ maxConcurrent: 1 })
    const leave = (await enter(admission, 'ada')) as () => void
    const gone = new AbortController()
    const waiting = admission.enter({ user: 'bob', limits: {} }, gone.signal)
    gone.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
    await expect(admission.enter({ user: 'bob', limits: {} }, gone.signal)).rejects.toThrow('left')
    expect(admission.waiting).toBe(0)
    leave()
    expect(typeof (await enter(admission, 'carol'))).toBe('function')
  })

  it('waiting counts as being there, for the limit of a user', async () => {
    const admission = createAdmission({ maxConcurrent: 1 })
    await enter(admission, 'ada')
    void enter(admission, 'bob', { concurrent: 1 })
    expect(await enter(admission, 'bob', { concurrent: 1 })).toMatchObject({ refused: 'concurrent' })
  })
})
