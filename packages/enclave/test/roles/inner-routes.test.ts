import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { innerRoutes } from '../../src/roles/inner-routes.ts'

const PATH = '/sotto/receipt-certificate'
const OLD = 'ab'.repeat(32)
const api = async (request: Request): Promise<Response> =>
  new Response(`api ${new URL(request.url).pathname}`)
const known = (evidence?: string): Uint8Array | undefined =>
  evidence === undefined ? utf8('{"a":1}') : evidence === OLD ? utf8('{"old":1}') : undefined
const ask = (path: string, method = 'GET', certificate = known): Promise<Response> =>
  innerRoutes(api, certificate)(new Request(`https://inference.sotto${path}`, { method }))

test('the certificate is answered at its path only', async () => {
  const answer = await ask(PATH)
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    'application/json',
    '{"a":1}',
  ])
  for (const path of ['/v1/models', `${PATH}/`, `${PATH}s`, '/']) {
    expect(await (await ask(path)).text()).toBe(`api ${path}`)
  }
})

test('the certificate of an earlier release is found by the evidence its receipts name', async () => {
  expect(await (await ask(`${PATH}?evidence=${OLD}`)).text()).toBe('{"old":1}')
  expect((await ask(`${PATH}?evidence=${'cd'.repeat(32)}`)).status).toBe(404)
})

test.each([
  '?evidence=',
  '?evidence=ab',
  `?evidence=${OLD.toUpperCase()}`,
  `?evidence=${OLD}00`,
  `?evidence=${OLD}&evidence=${OLD}`,
  `?evidence=${OLD}&a=1`,
  `?a=1&evidence=${OLD}`,
  '?a=1',
])('the query %s is refused', async (query) => {
  expect((await ask(PATH + query)).status).toBe(400)
})

test('it is read, not written, and absent before the first release', async () => {
  expect((await ask(PATH, 'POST')).status).toBe(405)
  expect((await ask(PATH, 'GET', () => undefined)).status).toBe(503)
})

test('the app of a deployment answers at its own authority, and nothing of the gateway', async () => {
  const app = async (request: Request): Promise<Response> =>
    new Response(`app ${new URL(request.url).pathname}`)
  const routes = innerRoutes(api, known, app)
  const text = async (url: string): Promise<string> => (await routes(new Request(url))).text()
  expect(await text('https://app.sotto/v1/models')).toBe('app /v1/models')
  expect(await text('https://inference.sotto/v1/models')).toBe('api /v1/models')
  // A path that needs no token must not be a way to the app without one.
  expect(await text(`https://app.sotto${PATH}`)).toBe('{"a":1}')
  for (const path of ['/sotto/token-challenge', '/sotto/', '/sotto/x'])
    expect((await routes(new Request(`https://app.sotto${path}`))).status).toBe(404)
  expect(await text('https://app.sotto/sottovoce')).toBe('app /sottovoce')
  expect((await innerRoutes(api, known)(new Request('https://app.sotto/'))).status).toBe(404)
})
