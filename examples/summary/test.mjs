// Run by `sotto test`: the app is in the local software TEE, SOTTO_APP_URL leads to it through the encryption.
import assert from 'node:assert/strict'
import { test } from 'node:test'

const app = process.env.SOTTO_APP_URL
const TEXT = [
  'The harbour of the town was built in 1874, when ships from the north still came for grain.',
  'For a century it was the reason that anybody lived there.',
  'In the sixties the grain went by rail, and the harbour was closed to ships.',
  'Today its warehouses are flats, and the quay is where people walk on Sundays.',
  'A small museum in the old customs house tells what was traded, and by whom.',
  'It is open from May to October, and costs nothing.',
].join(' ')

const summarise = (body) =>
  fetch(`${app}/summarise`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

test('the page is there, and nothing of another origin is in it', async () => {
  const response = await fetch(`${app}/`)
  assert.match(response.headers.get('content-security-policy'), /default-src 'none'/)
  assert.doesNotMatch(await response.text(), /https?:\/\//)
})

test('a text becomes a shorter one', async () => {
  const { models } = await (await fetch(`${app}/models`)).json()
  assert.ok(models.length > 0)
  for (const model of models) {
    const { summary } = await (await summarise(JSON.stringify({ text: TEXT, model }))).json()
    assert.ok(summary.length > 0 && summary.length < TEXT.length)
  }
})

test('no text is refused', async () => {
  for (const body of ['{}', '{"text": " "}', 'no JSON']) assert.equal((await summarise(body)).status, 400)
})
