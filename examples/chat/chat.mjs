// A conversation in the terminal. It talks to `sotto proxy --app` on this machine, which verifies the service first and
// encrypts to exactly what it verified:  node chat.mjs [http://127.0.0.1:8787]
import { createInterface } from 'node:readline/promises'

const [, , address = 'http://127.0.0.1:8787'] = process.argv
const history = []
const say = (line) => process.stdout.write(`${line}\n`)

/** Events of a stream: what stands behind `event:` and `data:`. */
async function* eventsOf(body) {
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      const field = (name) => event.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1]
      if (field('data') !== undefined) yield { type: field('event'), data: JSON.parse(field('data')) }
    }
  }
}

async function ask(query) {
  const response = await fetch(`${address}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: [...history, query].join('\n') }),
  })
  if (!response.ok) return say(`the service answered ${response.status}`)
  let answer = ''
  let isWhole = false
  for await (const { type, data } of eventsOf(response.body)) {
    if (type === 'end') isWhole = true
    if (type !== 'data') continue
    answer += data
    process.stdout.write(data)
  }
  // A stream that was cut has no end: what came of it is no answer.
  say(isWhole ? '' : '\n(the answer was cut)')
  if (isWhole) history.push(query, answer)
}

const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: 'User> ' })
let isOpen = true
terminal.once('close', () => (isOpen = false))
terminal.prompt()
for await (const line of terminal) {
  if (line.trim() !== '') {
    process.stdout.write('Assistant> ')
    await ask(line.trim()).catch((error) => say(`no answer: ${error.message}`))
  }
  if (isOpen) terminal.prompt()
}
