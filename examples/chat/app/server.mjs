// A web service over the model beside it. It runs in the enclave: what it is asked nobody else can read, and it reaches
// nothing but the model's API. See docs/apps.md.
import { createServer } from 'node:http'

const { PORT = '8080', OPENAI_BASE_URL, MODEL = 'sotto-tiny-story-en' } = process.env
const MAX_TOKENS = 96
const MAX_BODY_BYTES = 65_536
/** Of a conversation only so much goes to a small model. */
const MAX_PROMPT_CHARACTERS = 1200

class BadRequest extends Error {}

async function readJson(request) {
  const parts = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > MAX_BODY_BYTES) throw new BadRequest('the body is too large')
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new BadRequest('the body is not JSON')
  }
}

function promptOf(text) {
  if (typeof text !== 'string' || text.trim() === '') throw new BadRequest('a query is missing')
  return text.slice(-MAX_PROMPT_CHARACTERS)
}

/** The texts of an answer as the model makes them. */
async function* generate(prompt, signal) {
  const response = await fetch(`${OPENAI_BASE_URL}/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: MODEL,
      prompt,
      max_tokens: MAX_TOKENS,
      temperature: 0,
      seed: 123,
      stream: true,
    }),
    signal,
  })
  if (!response.ok) throw new Error(`the model answered ${response.status}`)
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue
      const text = JSON.parse(line.slice('data: '.length)).choices?.[0]?.text
      if (text) yield text
    }
  }
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** `id`, `event: data` and a JSON string for each piece, then `event: end`. */
async function stream(response, prompt, signal) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let id = 0
  for await (const text of generate(prompt, signal))
    response.write(`id: ${++id}\nevent: data\ndata: ${JSON.stringify(text)}\n\n`)
  response.end(`id: ${++id}\nevent: end\ndata: {}\n\n`)
}

const server = createServer(async (request, response) => {
  const over = new AbortController()
  response.on('close', () => over.abort())
  const url = new URL(request.url, 'http://app')
  try {
    if (url.pathname === '/health') return json(response, 200, { status: 'ok' })
    if (url.pathname !== '/generate') return json(response, 404, { error: 'there is nothing here' })
    if (request.method === 'GET') {
      const encoded = url.searchParams.get('prompt') ?? ''
      return await stream(response, promptOf(Buffer.from(encoded, 'base64').toString('utf8')), over.signal)
    }
    if (request.method !== 'POST') return json(response, 405, { error: 'GET or POST' })
    const prompt = promptOf((await readJson(request)).query)
    if (request.headers.accept?.includes('text/event-stream'))
      return await stream(response, prompt, over.signal)
    let answer = ''
    for await (const text of generate(prompt, over.signal)) answer += text
    return json(response, 200, { response: answer })
  } catch (error) {
    if (over.signal.aborted) return
    if (response.headersSent) return response.destroy()
    if (error instanceof BadRequest) return json(response, 400, { error: error.message })
    return json(response, 502, { error: 'the model did not answer' })
  }
})
server.listen(Number(PORT), '127.0.0.1')
