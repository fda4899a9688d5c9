import { expect, test } from 'vitest'
import { type Readiness, withHealth } from '../../src/health/index.ts'

test('livez and readyz answer for themselves, the app answers the rest', async () => {
  let state: Readiness = { ready: false, code: 'KMS_NOT_READY' }
  const app = withHealth(
    () => new Response('app'),
    () => state,
  )
  const get = async (path: string): Promise<Response> => app(new Request(`http://x${path}`))
  expect((await get('/livez')).status).toBe(200)
  const notReady = await get('/readyz')
  expect(notReady.status).toBe(503)
  expect(await notReady.json()).toEqual({ status: 'not-ready', code: 'KMS_NOT_READY' })
  state = { ready: true }
  expect((await get('/readyz')).status).toBe(200)
  state = { ready: true, degraded: 'SOMETHING_OPTIONAL' }
  const degraded = await get('/readyz')
  expect([degraded.status, await degraded.json()]).toEqual([
    200,
    { status: 'ready', degraded: 'SOMETHING_OPTIONAL' },
  ])
  expect(await (await get('/readyz/x')).text()).toBe('app')
})
