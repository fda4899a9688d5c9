import { expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics/index.ts'

test('metrics appear in the Prometheus text format', async () => {
  const metrics = createMetrics()
  const requests = metrics.counter('sotto_requests_total', 'Requests.', { status: ['2xx', '4xx'] })
  metrics.gauge('sotto_epoch', 'Epoch.', {}).set({}, 3)
  metrics.histogram('sotto_request_duration_seconds', 'Time.', [0.1, 1], {}).observe({}, 0.5)
  requests.add({ status: '2xx' })
  requests.add({ status: 'alice@example.com' }, 2)
  requests.add({ status: 'toString' })
  const response = await metrics.app(new Request('http://x/metrics'))
  const text = await response.text()
  expect(text).toContain('sotto_requests_total{status="2xx"} 1')
  expect(text).toContain('sotto_requests_total{status="other"} 3')
  expect(text).toContain('sotto_epoch 3')
  expect(text).toContain('sotto_request_duration_seconds_bucket{le="1"} 1')
  expect(text).not.toContain('alice')
})

test('a label with more values than anybody needs is refused', () => {
  const values = Array.from({ length: 33 }, (_, i) => `v${i}`)
  expect(() => createMetrics().counter('c', 'h', { l: values })).toThrow(RangeError)
})

test('a number can be read when somebody asks for it', async () => {
  let waiting = 2
  const metrics = createMetrics()
  metrics.observed('sotto_requests_waiting', 'Waiting.', () => waiting)
  const read = async (): Promise<string> => (await metrics.app(new Request('http://x/metrics'))).text()
  expect(await read()).toContain('sotto_requests_waiting 2')
  waiting = 0
  expect(await read()).toContain('sotto_requests_waiting 0')
})

test('only /metrics answers', async () => {
  expect(((await createMetrics().app(new Request('http://x/'))) as Response).status).toBe(404)
})
