import { describe, expect, test } from 'vitest'
import { createMemoryStore } from './memory-store.ts'
import { append, checkpoint, envelope, newWitness, open, threeWitnesses } from './parties.ts'

describe('witnesses', () => {
  test('one of three may be down', async () => {
    const witnesses = threeWitnesses()
    witnesses[1]!.outage = () => new Response(null, { status: 503 })
    const log = open(createMemoryStore(), witnesses)
    expect((await append(log, envelope('x'))).status).toBe(200)
    expect((await checkpoint(log, witnesses)).witnessTimes.size).toBe(2)
  })

  test('one of three may hang', async () => {
    const witnesses = threeWitnesses()
    witnesses[1]!.outage = (request) =>
      new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const log = open(createMemoryStore(), witnesses)
    expect((await append(log, envelope('x'))).status).toBe(200)
  })

  test('without a quorum nothing is acknowledged or shown; with it, the entry has kept its place', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses, { appendWaitMs: 40 })
    await append(log, envelope('first'))
    for (const witness of witnesses.slice(1)) witness.outage = () => new Response('lies', { status: 200 })
    expect(await append(log, envelope('x'))).toMatchObject({
      status: 503,
      body: { error: { code: 'LOG_NOT_WITNESSED', action: 'retry' } },
    })
    expect((await checkpoint(log, witnesses)).size).toBe(1)
    expect((await log.app(new Request('http://log/log/tile/0/000.p/2'))).status).toBe(404)
    for (const witness of witnesses) delete witness.outage
    await log.publisher.waitFor(2, 2000)
    expect(await append(log, envelope('x'))).toEqual({ status: 200, body: { index: 1 } })
  })

  test('one that is behind or ahead of what the log remembers is asked again with the right size', async () => {
    const witnesses = threeWitnesses()
    const store = createMemoryStore()
    const first = open(store, witnesses)
    await append(first, envelope('a'))
    witnesses[2]!.outage = () => new Response(null, { status: 500 })
    await append(first, envelope('b'))
    first.publisher.stop()
    delete witnesses[2]!.outage
    const second = open(store, witnesses, { quorum: 3 })
    await append(second, envelope('c'))
    expect((await checkpoint(second, witnesses, 3)).size).toBe(3)
  })

  test('cosignatures are renewed without new entries', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses, { refreshMs: 10 })
    await append(log, envelope('a'))
    for (const witness of witnesses) witness.now += 500
    await expect.poll(async () => (await checkpoint(log, witnesses)).time).toBe(1_800_000_500)
  })

  test('a cosignature of another key, or of another text, does not count', async () => {
    const witnesses = threeWitnesses()
    const stranger = newWitness('w2.example')
    for (const witness of witnesses.slice(1)) witness.outage = (request) => stranger.app(request)
    const log = open(createMemoryStore(), witnesses, { appendWaitMs: 40 })
    expect((await append(log, envelope('x'))).body).toMatchObject({ error: { code: 'LOG_NOT_WITNESSED' } })
    expect(log.publisher.published).toBeUndefined()
  })
})
