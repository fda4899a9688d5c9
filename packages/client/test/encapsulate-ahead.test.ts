import { afterEach, expect, it, vi } from 'vitest'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import { open, post } from './support/open.ts'
import { createService } from './support/service.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

it('has the keys of the next request ready, each for one request', async () => {
  const service = await createService()
  // Certificates of receipts are requests of their own.
  service.knobs.withoutReceipts = true
  const made = vi.spyOn(OhttpClientKey.prototype, 'request')
  const sotto = await open(service)
  // Before anybody asked for anything.
  await expect.poll(() => made.mock.calls.length).toBe(1)
  let before = 0
  service.knobs.app = () => {
    before = made.mock.calls.length
    return new Response('served')
  }
  for (let i = 1; i <= 3; i++) {
    await (await post(sotto)).text()
    // Its own keys were there; nothing was made for it while it waited.
    expect(before).toBe(i)
    await expect.poll(() => made.mock.calls.length).toBe(i + 1)
  }
  expect(new Set(service.encs).size).toBe(service.encs.length)
})

it('makes keys at once where requests come together', async () => {
  const service = await createService()
  const sotto = await open(service)
  await Promise.all(Array.from({ length: 8 }, async () => (await post(sotto)).text()))
  expect(service.encs.length).toBeGreaterThanOrEqual(8)
  expect(new Set(service.encs).size).toBe(service.encs.length)
})

it('keys that cannot be made ahead are told to the request that needs them, and to nobody before', async () => {
  const service = await createService()
  const planned: (() => void)[] = []
  vi.stubGlobal('requestIdleCallback', (run: () => void) => planned.push(run))
  const sotto = await open(service)
  expect(planned).toHaveLength(1)
  const made = vi.spyOn(OhttpClientKey.prototype, 'request').mockImplementation(() => {
    throw new Error('no randomness')
  })
  // As the event loop would call it, where nobody catches anything.
  expect(() => planned.shift()!()).not.toThrow()
  expect(made).toHaveBeenCalledOnce()
  await expect(post(sotto)).rejects.toThrow()
  expect(made).toHaveBeenCalledTimes(2)
  made.mockRestore()
  expect((await post(sotto)).status).toBe(200)
})
