import { expect, test } from 'vitest'
import { withHealth } from '../../src/health/index.ts'
import { raw, start } from './running.ts'

const app = withHealth(
  () => new Response('served'),
  () => ({ ready: true }),
)

test('whoever watches is told first, and served meanwhile, on connections that end with their answer', async () => {
  const server = await start(app, { noticeMs: 150 })
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  const kept = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(kept.received).toContain('served')
  const closed = server.close()
  const told = await fetch(`${server.url}/readyz`)
  expect([told.status, await told.json()]).toEqual([503, { status: 'not-ready', code: 'SHUTTING_DOWN' }])
  kept.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await kept.closed
  expect(kept.received().match(/served/g)).toHaveLength(2)
  expect(kept.received()).toMatch(/connection: close/i)
  await closed
  await expect(fetch(server.url)).rejects.toThrow()
})

test('nobody waits where nobody watches', async () => {
  const server = await start(app, { noticeMs: 60_000 })
  expect((await fetch(server.url)).status).toBe(200)
  await server.close()
})

test('what is under way at the end of the notice gets its time to finish', async () => {
  const gate = Promise.withResolvers<void>()
  const slow = withHealth(
    async () => {
      await gate.promise
      return new Response('done')
    },
    () => ({ ready: true }),
  )
  const server = await start(slow, { noticeMs: 50, drainMs: 5000 })
  await fetch(`${server.url}/readyz`)
  const closed = server.close()
  const late = fetch(`${server.url}/late`)
  setTimeout(() => gate.resolve(), 100)
  expect(await (await late).text()).toBe('done')
  await closed
})
