// A web page that summarises a text with the models beside it, and shows both side by side. It runs in the enclave: the text
// is read by nobody else. See docs/apps.md.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const { PORT = '8080', OPENAI_BASE_URL } = process.env
const API = OPENAI_BASE_URL
const MAX_BODY_BYTES = 1_048_576

const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page.mjs': ['page.mjs', 'text/javascript; charset=utf-8'],
}
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

function json(response, status, value) {
  response.writeHead(status, { ...SECURITY, 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function readBody(request) {
  const parts = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > MAX_BODY_BYTES) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Models of this enclave that summarise. */
async function summarisers() {
  const { data } = await (await fetch(`${API}/models`)).json()
  return data.filter(({ task }) => task === 'summarization').map(({ id }) => id)
}

async function summarise(request, response) {
  const body = await readBody(request)
  if (body === undefined) return json(response, 413, { error: 'the text is too long' })
  let asked
  try {
    asked = JSON.parse(body)
  } catch {
    return json(response, 400, { error: 'the body is not JSON' })
  }
  if (typeof asked?.text !== 'string' || asked.text.trim() === '')
    return json(response, 400, { error: 'there is no text' })
  const started = performance.now()
  const answer = await fetch(`${API}/summaries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: asked.model, input: asked.text }),
  })
  if (!answer.ok) return json(response, 502, { error: 'the model did not answer' })
  const { summary } = await answer.json()
  json(response, 200, { summary, seconds: (performance.now() - started) / 1000 })
}

const server = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://app')
    if (pathname === '/health') return json(response, 200, { status: 'ok' })
    if (pathname === '/models') return json(response, 200, { models: await summarisers() })
    if (pathname === '/summarise' && request.method === 'POST') return await summarise(request, response)
    const file = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined
    if (file === undefined || request.method !== 'GET')
      return json(response, 404, { error: 'there is nothing here' })
    const [name, type] = file
    const bytes = await readFile(new URL(name, import.meta.url))
    response.writeHead(200, { ...SECURITY, 'content-type': type }).end(bytes)
  } catch {
    if (!response.headersSent) json(response, 500, { error: 'something went wrong' })
    else response.destroy()
  }
})
server.listen(Number(PORT), '127.0.0.1')
