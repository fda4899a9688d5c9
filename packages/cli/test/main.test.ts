import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtEntry } from '../../../scripts/build/entry.ts'
import { createDesk, type Desk } from './support/desk.ts'

const MAIN = await builtEntry('packages/cli/src/main.ts')

let desk: Desk
let server: Server
let host = ''

beforeAll(async () => {
  desk = await createDesk({ now: Math.floor(Date.now() / 1000) })
  server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>))
    const init = incoming.method === 'POST' ? { method: 'POST', body: new Uint8Array(body) } : {}
    const response = await desk.service.fetch(`https://relay.example${incoming.url}`, init)
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  desk.clear()
})

function start(...argv: string[]): ChildProcessWithoutNullStreams {
  const env = { PATH: process.env['PATH'], HOME: desk.cwd, SOTTO_HOST: host, SOTTO_POLICY: 'policy.json' }
  return spawn(process.execPath, [MAIN, ...argv], { cwd: desk.cwd, env })
}

async function finish(child: ChildProcessWithoutNullStreams, stdin = ''): Promise<[unknown, string, string]> {
  child.stdin.end(stdin)
  const read = async (stream: AsyncIterable<Buffer>): Promise<string> =>
    Buffer.concat(await Array.fromAsync(stream)).toString()
  const [stdout, stderr, [code]] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    once(child, 'exit'),
  ])
  return [code, stdout, stderr]
}

describe('the sotto process', () => {
  it('verifies over real connections and ends at once', async () => {
    const [code, stdout] = await finish(start('verify', '--json'))
    expect([code, (JSON.parse(stdout) as { ok: boolean }).ok]).toEqual([0, true])
  })

  it('reads a pipe and writes a pipe', async () => {
    desk.service.knobs.app = async (request) =>
      Response.json({ summary: ((await request.json()) as { input: string }).input.toUpperCase() })
    expect((await finish(start('summarize', '-', '-q'), 'quiet words')).slice(0, 2)).toEqual([
      0,
      'QUIET WORDS\n',
    ])
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops the proxy on %s with %i', async (signal, expected) => {
    const child = start('proxy', '--port', '0', '-q')
    const exited = once(child, 'exit')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const url = /http:\/\/\S+/.exec(line.toString())![0]
    child.kill(signal)
    expect(await exited).toEqual([expected, null])
    await expect(fetch(url)).rejects.toThrow()
  })

  it('exits 2 for a wrong flag', async () => {
    expect(await finish(start('verify', '--polcy', 'x'))).toEqual([
      2,
      '',
      "error: unknown option '--polcy' [CLI_USAGE]\nhint: did you mean --policy?\n",
    ])
  })
})
