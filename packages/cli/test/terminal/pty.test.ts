import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { builtEntry } from '../../../../scripts/build/entry.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { openPty, type Pty, ptyHelper } from '../support/pty.ts'

let desk: Desk
let server: Server
let main = ''
let asked: string[] = []
/** Answers the question that streams until it is stopped. */
let isStopped = false

beforeAll(async () => {
  if (ptyHelper === undefined) return
  main = await builtEntry('packages/cli/src/main.ts')
  desk = await createDesk({ now: Math.floor(Date.now() / 1000) })
  desk.service.knobs.app = async (request) => {
    const { messages } = (await request.json()) as { messages: { content: string }[] }
    const question = messages.at(-1)!.content
    asked.push(question)
    return question === 'forever' ? endless() : answer(['Good', ' day\u001B', ']52;c;cm0=\u0007', '!'])
  }
  server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>))
    const init = incoming.method === 'POST' ? { method: 'POST', body: new Uint8Array(body) } : {}
    const response = await desk.service.fetch(`https://relay.example${incoming.url}`, init)
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.on('close', () => {
      isStopped = !outgoing.writableEnded
    })
    for await (const chunk of response.body ?? []) outgoing.write(chunk)
    outgoing.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server?.closeAllConnections()
  server?.close()
  desk?.clear()
})

const event = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
const HEADERS = { headers: { 'content-type': 'text/event-stream' } }

function answer(pieces: readonly string[]): Response {
  return new Response(`${pieces.map(event).join('')}data: [DONE]\n\n`, HEADERS)
}

/** Says something, and never comes to its end. */
function endless(): Response {
  // Enough to fill a sealed chunk.
  const start = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
    controller.enqueue(Buffer.from(event('tick ').repeat(200)))
  return new Response(new ReadableStream({ start }), HEADERS)
}

function open(command: readonly string[], env: Record<string, string> = {}): Pty {
  const pty = openPty(command, {
    cwd: desk.cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: desk.cwd,
      TERM: 'xterm-256color',
      SOTTO_HOST: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      SOTTO_POLICY: 'policy.json',
      ...env,
    },
  })
  onTestFinished(pty.kill)
  return pty
}

describe.skipIf(ptyHelper === undefined)('a real terminal', () => {
  it('holds a conversation: verdict, streaming, history, pasted lines, Ctrl-C for an answer and for all', async () => {
    asked = []
    const pty = open([process.execPath, main, 'chat'])
    await pty.shows('software TEE: this verdict rests on a program')
    await pty.shows('verified, but on a SOFTWARE TEE, not hardware')
    await pty.shows('> ')
    pty.type('/he\t')
    await pty.shows('/help')
    pty.type('\r')
    await pty.shows('/save FILE')
    await pty.shows('> ')
    pty.type('hello\r')
    expect(await pty.shows('Good day\uFFFD]52;c;cm0=\uFFFD!')).not.toContain('\u001B]')
    await pty.shows('> ')
    pty.type('forever\r')
    await pty.shows('tick tick')
    pty.type('\u0003')
    await pty.shows('stopped; the unfinished answer is forgotten')
    await expect.poll(() => isStopped).toBe(true)
    await pty.shows('> ')
    pty.type('\u001B[A\u001B[A\r')
    await pty.shows('Good day')
    await pty.shows('> ')
    pty.type('\u001B[200~one\rtwo\u001B[201~')
    await pty.shows('… ')
    expect(asked).toEqual(['hello', 'forever', 'hello'])
    pty.type('\r')
    await pty.shows('Good day')
    expect(asked.at(-1)).toBe('one\ntwo')
    await pty.shows('> ')
    pty.type('\u0003')
    expect(await pty.ended).toBe(130)
    // The terminal is left as it was found.
    expect(pty.text().trimEnd().endsWith('\u001B[?2004l')).toBe(true)
    const kept = readdirSync(desk.cwd, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    expect(kept.filter((text) => /hello|forever|Good day/.test(text))).toEqual([])
  })

  it('completes in bash with Tab', async () => {
    const bin = join(desk.cwd, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'sotto'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, {
      mode: 0o755,
    })
    const pty = open(['bash', '--norc', '--noprofile', '-i'], {
      PATH: `${bin}:${process.env['PATH']}`,
      INPUTRC: '/dev/null',
    })
    await pty.shows(/[$#] /)
    pty.type('source <(sotto completions bash)\r')
    pty.type('echo rea""dy\r')
    await pty.shows('ready')
    for (const [typed, completed] of [
      ['sotto recei\t', 'receipt '],
      ['ver\t', 'verify '],
      ['--pol\t', '--policy '],
      ['pol\t', 'policy.json'],
      ['\u0015sotto transcribe -f verb\t', 'verbose_json'],
    ] as const) {
      pty.type(typed)
      await pty.shows(completed)
    }
    pty.type('\u0015exit\r')
    await pty.ended
  })
})
