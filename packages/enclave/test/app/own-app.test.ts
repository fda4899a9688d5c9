import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { sealArtifact } from '@sotto/protocol/sealed'
import { modelDigestOf } from '../../src/api/index.ts'
import { unmeasuredAppProgram } from '../../src/app/program.ts'
import {
  archiveOf,
  ask,
  configOf,
  hostApp,
  prepareApp,
  server,
  sha256,
  temporaryFolder,
  whyNotHere,
} from './real-app.ts'

const PYTHON = '/usr/bin/python3'
const decoder = new TextDecoder()

async function startApp(...given: Parameters<typeof prepareApp>) {
  const app = await prepareApp(...given)
  await app.open(new Map())
  await app.start()
  return app
}

const codeOf = async (response: Response): Promise<unknown[]> => [
  response.status,
  ((await response.json()) as { error: { code: string } }).error.code,
]

describe.skipIf((await whyNotHere()) !== undefined)('an own app', () => {
  it('answers through its bridge, and its answers name its code', async () => {
    const config = configOf(
      {
        'server.mjs': server(`
        if (request.url === '/where') return response.end(JSON.stringify([process.cwd(), process.env.MODE]))
      `),
      },
      { env: { MODE: "it's plain" } },
    )
    const app = await prepareApp(config)
    expect(await codeOf(await ask(app, '/where'))).toEqual([503, 'app_starting'])
    await app.open(new Map())
    await app.start()
    expect(app.trouble).toBeUndefined()
    const response = await ask(app, '/where')
    expect(modelDigestOf(response)).toBe(config.code.sha256)
    expect(await response.json()).toEqual(['/app', "it's plain"])
    expect((await ask(app, '/none')).status).toBe(404)
  })

  it('streams events one by one, and hears when its client leaves', async () => {
    const app = await startApp(
      configOf({
        'server.mjs': server(
          `
        if (request.url === '/left') return response.end(String(left))
        if (request.url === '/next') { emit?.(); return response.end() }
        if (request.url === '/events') {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          let count = 0
          emit = () => response.write('data: ' + ++count + '\\n\\n')
          response.once('close', () => left++)
          return emit()
        }
      `,
          'let left = 0, emit',
        ),
      }),
    )
    const leaving = new AbortController()
    const reader = (await ask(app, '/events', { signal: leaving.signal })).body!.getReader()
    for (const count of [1, 2, 3]) {
      expect(decoder.decode((await reader.read()).value)).toBe(`data: ${count}\n\n`)
      await (await ask(app, '/next')).text()
    }
    leaving.abort()
    await expect.poll(async () => (await ask(app, '/left')).text()).toBe('1')
  })

  it('may be in any language that its image has', async (context) => {
    if (!existsSync(PYTHON)) context.skip(`no ${PYTHON} here`)
    const app = await startApp(
      configOf(
        {
          'app.py': `
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-type', 'text/event-stream')
        self.end_headers()
        for count in range(3):
            self.wfile.write(b'data: %d\\n\\n' % count)
            self.wfile.flush()

    def do_POST(self):
        content = self.rfile.read(int(self.headers['content-length']))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content[::-1])

ThreadingHTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()
`,
        },
        { command: ['python3', 'app.py'] },
      ),
    )
    expect(await (await ask(app, '/events')).text()).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\n')
    expect(await (await ask(app, '/', { method: 'POST', body: 'abc' })).text()).toBe('cba')
  })

  it('uses the models beside it, streams included, and cannot ask itself', async () => {
    const asked: string[] = []
    let next = (): void => undefined
    const app = await startApp(
      configOf({
        'server.mjs': server(`
        if (request.url === '/ask') {
          const answer = await fetch(process.env.OPENAI_BASE_URL + '/chat/completions', { method: 'POST', body: '{}', headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY, host: 'app.sotto' } })
          response.writeHead(answer.status)
          for await (const piece of answer.body) response.write(piece)
          return response.end()
        }
      `),
      }),
      {
        async api(request) {
          asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`)
          return new Response(
            new ReadableStream({
              start(controller) {
                controller.enqueue(utf8('one'))
                next = () => {
                  controller.enqueue(utf8('two'))
                  controller.close()
                }
              },
            }),
          )
        },
      },
    )
    const reader = (await ask(app, '/ask')).body!.getReader()
    expect(decoder.decode((await reader.read()).value)).toBe('one')
    next()
    expect(decoder.decode((await reader.read()).value)).toBe('two')
    expect(asked).toEqual(['POST /v1/chat/completions {}'])
  })

  it('gets secrets as environment variables, and code and secrets are in no file that can be found', async () => {
    const [codeWord, secretWord, requestWord] = ['c0dew0rd', 's3cretw0rd', 'requ3stw0rd'].map(
      (word) => `${word}-${process.pid}`,
    ) as [string, string, string]
    const directory = temporaryFolder()
    const keys = new Map<string, Uint8Array>()
    const seal = async (file: string, content: Uint8Array): Promise<string> => {
      const contentKey = crypto.getRandomValues(new Uint8Array(32))
      const { id, sealed } = sealArtifact({
        contentKey,
        plaintextBytes: content.length,
        source: [content],
        metadata: '',
      })
      writeFileSync(join(directory, file), Buffer.concat(await Array.fromAsync(sealed)))
      keys.set(id, contentKey)
      return id
    }
    const archive = archiveOf({
      'server.mjs': server(
        `
        if (request.url === '/keep') {
          let text = ''
          for await (const piece of request) text += piece
          writeFileSync('/tmp/kept', text)
          console.log(text, process.env.API_KEY)
          return response.end(process.env.API_KEY + ' ' + readdirSync('/tmp'))
        }
      `,
        `// ${codeWord}\nimport { readdirSync, writeFileSync } from 'node:fs'`,
      ),
    })
    const config = configOf(
      {},
      {
        directory,
        code: { file: 'code.sealed', sha256: sha256(archive), artifact: await seal('code.sealed', archive) },
        secrets: {
          file: 'secrets.sealed',
          names: ['API_KEY'],
          artifact: await seal(
            'secrets.sealed',
            utf8(JSON.stringify({ deployment: 'chat', values: { API_KEY: secretWord } })),
          ),
        },
      },
    )
    const app = await prepareApp(config)
    expect(app.artifacts).toEqual([...keys.keys()])
    await app.open(keys)
    await app.start()
    const answer = await ask(app, '/keep', { method: 'POST', body: requestWord })
    expect(await answer.text()).toBe(`${secretWord} kept`)
    const begun = Date.now() - 60_000
    for (const folder of [directory, tmpdir(), '/dev/shm', '/var/tmp', '/run'])
      for (const file of recentFiles(folder, begun))
        for (const word of [codeWord, secretWord, requestWord])
          expect(file.includes(word), `${word} in a file of ${folder}`).toBe(false)
    for (const line of commandLines())
      for (const word of [secretWord, codeWord]) expect(line).not.toContain(word)
    await app.close()
  })

  it('whose archive changed is not started', async () => {
    const config = configOf({ 'server.mjs': server() })
    writeFileSync(join(config.directory, 'code.tar'), archiveOf({ 'server.mjs': `${server()} ` }))
    const app = await prepareApp(config)
    await expect(app.open(new Map())).rejects.toMatchObject({ code: 'APP_CODE_OTHER' })
    await expect(app.start()).rejects.toMatchObject({ code: 'APP_START_FAILED' })
  })

  it.each<[string, string, object, RegExp]>([
    ['ends at once', 'process.exit(5)', {}, /ended with 5/],
    ['never listens', 'setInterval(() => {}, 1000)', { path: '/health', startSeconds: 1 }, /no answer/],
    [
      'is not well',
      "import { createServer } from 'node:http'; createServer((_, r) => { r.statusCode = 500; r.end() }).listen(process.env.PORT)",
      { path: '/health', startSeconds: 1 },
      /status 500/,
    ],
    [
      'listens elsewhere, on loopback',
      "import { createServer } from 'node:http'; createServer((_, r) => r.end()).listen(9999, '127.0.0.1'); setInterval(() => {}, 1000)",
      {},
      /tcp 9999/,
    ],
  ])('that %s fails by name', async (_, code, healthcheck, found) => {
    const config = configOf({ 'server.mjs': code })
    const app = await prepareApp({ ...config, healthcheck: { ...config.healthcheck, ...healthcheck } })
    await app.open(new Map())
    const expected = found.source.startsWith('tcp') ? 'APP_SECOND_PORT' : 'APP_NOT_HEALTHY'
    await expect(app.start()).rejects.toMatchObject({ code: expected, found: expect.stringMatching(found) })
    expect(await codeOf(await ask(app, '/health'))).toEqual([
      503,
      expected === 'APP_SECOND_PORT' ? 'app_second_port' : 'app_given_up',
    ])
  })

  it('whose command is not there fails by name', async () => {
    const app = await prepareApp(configOf({ 'a.txt': '' }, { command: ['no-such-program'] }))
    await app.open(new Map())
    await expect(app.start()).rejects.toMatchObject({ code: 'APP_NOT_HEALTHY', found: 'it ended with 127' })
  })

  it('that opens a second port later is ended for good', async () => {
    const told: string[] = []
    const config = configOf({
      'server.mjs': server(
        `
        if (request.url === '/udp') { createSocket('udp4').bind(5353, '127.0.0.1'); return response.end('bound') }
      `,
        "import { createSocket } from 'node:dgram'",
      ),
    })
    const app = await startApp(config, {
      watchMs: 50,
      onFailed: (reason) => told.push((reason as { code?: string }).code!),
    })
    await (await ask(app, '/udp')).text()
    await expect.poll(() => app.trouble).toBe('APP_SECOND_PORT')
    const refused = await ask(app, '/health')
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect([...(await codeOf(refused)), told]).toEqual([503, 'app_second_port', ['APP_SECOND_PORT']])
  })

  it('that dies is started again, and remembers nothing', async () => {
    const statuses: (number | undefined)[] = []
    const app = await startApp(
      configOf({
        'server.mjs': server(
          `
        if (request.url === '/kept') return response.end(String(existsSync('/tmp/kept')))
        if (request.url === '/die') { writeFileSync('/tmp/kept', 'x'); process.exit(9) }
      `,
          "import { existsSync, writeFileSync } from 'node:fs'",
        ),
      }),
      { onEnded: (status) => statuses.push(status) },
    )
    expect(await codeOf(await ask(app, '/die'))).toEqual([502, 'app_no_answer'])
    await expect.poll(() => app.trouble, { timeout: 10_000 }).toBeUndefined()
    await expect.poll(async () => (await ask(app, '/kept')).text(), { timeout: 10_000 }).toBe('false')
    expect(statuses).toEqual([9])
  })

  it('that takes more memory than it may ends alone', async () => {
    const config = configOf(
      {
        'server.mjs': server(`
        if (request.url === '/grow') { const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1)) }
      `),
      },
      { memoryBytes: 768 * 2 ** 20 },
    )
    const app = await startApp(config)
    expect(await codeOf(await ask(app, '/grow'))).toEqual([502, 'app_no_answer'])
    await expect.poll(async () => (await ask(app, '/health')).status, { timeout: 10_000 }).toBe(200)
  })

  it('leaves nothing behind: no process, no folder', async () => {
    const word = `left-${process.pid}-${Date.now()}`
    const app = await startApp(
      configOf({ 'server.mjs': server() }, { command: ['node', 'server.mjs', word] }),
    )
    expect(commandLines().some((line) => line.includes(word))).toBe(true)
    const stages = () =>
      readdirSync(tmpdir()).filter(
        (name) => name.startsWith(`sotto-engine-`) && name.includes(`-${process.pid}-`),
      )
    expect(stages().length).toBeGreaterThan(0)
    const before = stages().length
    await app.close()
    await expect.poll(() => commandLines().filter((line) => line.includes(word))).toEqual([])
    expect(stages()).toHaveLength(before - 1)
  })

  it('ends with its enclave, however that ends', async () => {
    const word = `orphan-${process.pid}-${Date.now()}`
    const config = configOf({ 'server.mjs': server() }, { command: ['node', 'server.mjs', word] })
    const host = await hostApp(config, 'same')
    expect(commandLines().some((line) => line.includes(word))).toBe(true)
    host.process.kill('SIGKILL')
    await expect
      .poll(() => commandLines().filter((line) => line.includes(word) && !line.includes('host.ts')))
      .toEqual([])
  })

  it('is started from what was measured, before it starts and before it gets anything', async () => {
    const program = unmeasuredAppProgram()
    let looks = 0
    const failAt = (count: number) => ({
      program: {
        ...program,
        async verify() {
          if (++looks === count) throw new Error('changed')
        },
      },
    })
    for (const count of [1, 2]) {
      looks = 0
      const app = await prepareApp(configOf({ 'server.mjs': server() }), failAt(count))
      await app.open(new Map())
      await expect(app.start()).rejects.toThrow('changed')
    }
  })

  it('is refused by name where uids of its own are required and this user cannot give any', async (context) => {
    const config = configOf({ 'server.mjs': server() })
    const refused = { code: 'APP_SANDBOX', action: 'stop', hint: expect.any(String) }
    await expect(prepareApp(config, { require: 'full', only: 'user' })).rejects.toMatchObject(refused)
    if (process.getuid?.() !== 0) context.skip('not root: the rest of this needs uids of its own')
    // Root without capabilities is root still: files obey it.
    await expect(prepareApp(config, { only: 'user' })).rejects.toMatchObject({
      ...refused,
      found: expect.stringContaining('it owns'),
    })
    expect((await prepareApp(config, { require: 'full' })).sandbox).toMatchObject({ full: true, reasons: [] })
  })
})

/** Files below a folder that changed since then, as far as this user may look; others come and go meanwhile. */
function* recentFiles(folder: string, since: number): Generator<Buffer> {
  for (const entry of orNothing(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* recentFiles(path, since)
    if (!entry.isFile()) continue
    const { mtimeMs = 0, size = 0 } = orNothing(() => statSync(path)) ?? {}
    const content = mtimeMs >= since && size < 2 ** 26 ? orNothing(() => readFileSync(path)) : undefined
    if (content !== undefined) yield content
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** What every process of this machine was called with. */
function commandLines(): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ')] : []
    } catch {
      return []
    }
  })
}
