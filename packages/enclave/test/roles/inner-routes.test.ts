import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { innerRoutes } from '../../src/roles/inner-routes.ts'

const api = async (request: Request): Promise<Response> =>
  new Response(`api ${new URL(request.url).pathname}`)
const ask = (certificate: Uint8Array | undefined, path: string, method = 'GET'): Promise<Response> =>
  innerRoutes(api, () => certificate)(new Request(`https://inference.sotto${path}`, { method }))

test('the certificate is answered at its path only', async () => {
  const answer = await ask(utf8('{"a":1}'), '/sotto/receipt-certificate')
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    'application/json',
    '{"a":1}',
  ])
  for (const path of ['/v1/models', '/sotto/receipt-certificate/', '/sotto/receipt-certificates', '/']) {
    expect(await (await ask(utf8('{}'), path)).text()).toBe(`api ${path}`)
  }
})

test('it is read, not written, and absent before the first release', async () => {
  expect((await ask(utf8('{}'), '/sotto/receipt-certificate', 'POST')).status).toBe(405)
  expect((await ask(undefined, '/sotto/receipt-certificate')).status).toBe(503)
})
