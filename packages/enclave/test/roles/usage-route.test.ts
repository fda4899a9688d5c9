import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { withUsage } from '../../src/roles/usage-route.ts'
import type { UsagePublisher } from '../../src/usage/index.ts'

const metrics = (): Promise<Response> => Promise.resolve(new Response('metrics'))
const ask = async (
  usage: Partial<UsagePublisher>,
  path: string,
  method = 'GET',
): Promise<[number, string]> => {
  const app = withUsage(metrics, { newest: undefined, tick() {}, ...usage })
  const response = await app(new Request(`http://metrics.test${path}`, { method }))
  return [response.status, await response.text()]
}

test('answers the newest counts beside the metrics, and 404 before the first', async () => {
  expect(await ask({}, '/usage')).toEqual([404, ''])
  expect(await ask({ newest: utf8('{"signed":1}') }, '/usage')).toEqual([200, '{"signed":1}'])
  expect(await ask({}, '/metrics')).toEqual([200, 'metrics'])
  expect(await ask({ newest: utf8('{}') }, '/usage', 'POST')).toEqual([405, ''])
})
