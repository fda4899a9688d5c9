// Run by `sotto test`: the app is in the local software TEE, SOTTO_APP_URL leads to it through the encryption.
import assert from 'node:assert/strict'
import { test } from 'node:test'

const app = process.env.SOTTO_APP_URL
const post = (body, headers = {}) =>
  fetch(`${app}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

test('it is healthy', async () => {
  assert.deepEqual(await (await fetch(`${app}/health`)).json(), { status: 'ok' })
})

test('a query is answered', async () => {
  const response = await post(JSON.stringify({ query: 'Once upon a time' }))
  assert.equal(response.status, 200)
  assert.notEqual((await response.json()).response.trim(), '')
})

test('one without a query is refused', async () => {
  for (const body of ['{}', '{"query": ""}', 'no JSON']) assert.equal((await post(body)).status, 400)
})

test('an answer is streamed, and has an end', async () => {
  const response = await post(JSON.stringify({ query: 'Once upon a time' }), { accept: 'text/event-stream' })
  // Comments are padding: what travels has a length that says nothing.
  const text = (await response.text()).replaceAll(/^:.*\n\n/gm, '')
  assert.match(text, /^id: 1\nevent: data\ndata: ".+"\n\n/)
  assert.match(text, /event: end\ndata: \{\}\n\n$/)
})

test('a prompt in the address is taken too', async () => {
  const prompt = Buffer.from('Once upon a time').toString('base64url')
  assert.match(await (await fetch(`${app}/generate?prompt=${prompt}`)).text(), /event: end/)
})
