import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { APP_ORIGIN, connect, type Sotto } from '@sotto/client'
import { parseTrustPolicy } from '@sotto/verifier'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../claims.ts'
import { openCommandDesk, type CommandDesk } from '../stack/commands.ts'

const LONG = 120_000
/** Where the app listens, in a network of its own. */
const APP_PORT = 8080
const SECRET = 'a-secret-that-nobody-else-may-read'

let desk: CommandDesk
/** Folder of the deployment. */
let folder: string

beforeAll(async () => {
  desk = await openCommandDesk()
  folder = join(desk.folder, 'notes')
  expect(await run(['init', 'notes', '--template', 'chat'])).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await run(['stop', '-f', folder, '--delete', '--yes'])
  await desk.close()
})

async function run(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const command = desk.sotto(args)
  const code = await command.ended
  return { code, out: command.output.stdout, err: command.output.stderr }
}

async function json<T>(args: string[]): Promise<T> {
  const { code, out, err } = await run([...args, '--json'])
  expect(code, err).toBe(0)
  return JSON.parse(out) as T
}

interface Running {
  relay: string
  policy: string
  isUnchanged: boolean
  supervisor: number
  roles: { name: string; pid: number; url: string }[]
  deployment: { digest: string; app: { sha256: string } }
}

function edit(file: string, from: string | RegExp, to: string): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  expect(text).toMatch(from)
  writeFileSync(path, text.replace(from, to))
}

function client({ relay, policy }: Running): Promise<Sotto> {
  return connect(relay, { policy: parseTrustPolicy(readFileSync(policy, 'utf8')) })
}

/** Ports of this machine that somebody listens at, from the kernel's tables. */
function listeningPorts(): number[] {
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16)),
  )
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port })
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

function filesBelow(place: string): string[] {
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('a deployment with an app of its own, on this machine', { timeout: LONG }, () => {
  let first: Running

  it(claim('T20.app', 'runs after one command, and answers whoever verified first'), async () => {
    edit(
      'sotto.yaml',
      /^ {2}health:/m,
      '  sealed: true\n  secrets:\n    GREETING:\n      file: ./greeting\n  health:',
    )
    writeFileSync(join(folder, 'greeting'), `${SECRET}\n`, { mode: 0o600 })
    edit(
      'app/server.mjs',
      "if (url.pathname === '/health')",
      "if (url.pathname === '/secret') return json(response, 200, { length: process.env.GREETING?.length })\n    if (url.pathname === '/health')",
    )
    first = await json<Running>(['deploy', '-f', folder])
    const sotto = await client(first)
    expect(sotto.trust.ok).toBe(true)
    const answer = await sotto.fetch(`${APP_ORIGIN}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'Once upon a time' }),
    })
    expect(((await answer.json()) as { response: string }).response.trim()).not.toBe('')
    expect(await (await sotto.fetch(`${APP_ORIGIN}/secret`)).json()).toEqual({ length: SECRET.length })
  })

  it(
    claim(
      'T19.app',
      'is reached through the gateway and in no other way: a scan of all ports finds nothing of it',
    ),
    async () => {
      const known = new Set(first.roles.map(({ url }) => Number(new URL(url).port)))
      expect(known.has(APP_PORT)).toBe(false)
      expect(await isOpen(APP_PORT)).toBe(false)
      for (const open of listeningPorts()) {
        if (known.has(open) || !(await isOpen(open))) continue
        const answer = await fetch(`http://127.0.0.1:${open}/health`, { signal: AbortSignal.timeout(2000) })
          .then((response) => response.text())
          .catch(() => '')
        expect(answer, `port ${open}`).not.toBe(JSON.stringify({ status: 'ok' }))
      }
      // Nor does a role answer for it in clear.
      for (const { url } of first.roles) {
        const response = await fetch(`${url}/generate?prompt=QQ`).catch(() => undefined)
        expect(response?.ok ?? false, url).toBe(false)
      }
    },
  )

  it(claim('T19.app', 'leaves neither its code nor its secrets in clear on a disk'), () => {
    const state = join(folder, '.sotto')
    const marks = [SECRET, 'MAX_PROMPT_CHARACTERS']
    // The snapshots are the owner's own, beside the owner's own sources.
    const files = filesBelow(state).filter((file) => !file.startsWith(join(state, 'deployments')))
    expect(files.length).toBeGreaterThan(10)
    for (const file of files.filter((one) => statSync(one).size < 64 * 2 ** 20)) {
      const bytes = readFileSync(file)
      for (const mark of marks) expect(bytes.includes(mark), `${file}: ${mark}`).toBe(false)
    }
    for (const file of filesBelow(join(state, 'deployments')))
      expect(readFileSync(file).includes(SECRET), file).toBe(false)
  })

  it('deployed again is the same, and nothing is started', async () => {
    const again = await json<Running>(['deploy', '-f', folder])
    expect(again).toMatchObject({ isUnchanged: true, supervisor: first.supervisor })
  })

  it('is verified against its sources: one changed byte is found', async () => {
    const place = ['--policy', first.policy, '--app', join(folder, 'app')]
    expect(await run(['verify', first.relay, ...place])).toMatchObject({ code: 0 })
    edit('app/server.mjs', 'const MAX_TOKENS = 96', 'const MAX_TOKENS = 95')
    const other = await run(['verify', first.relay, ...place])
    expect(other).toMatchObject({ code: 5 })
    expect(other.out).toContain(first.deployment.app.sha256)
    expect(other.out).toContain('the app that runs has other code')
  })

  it('says what it logged, and nothing of what was said', async () => {
    const { out } = await run(['logs', '-f', folder, '-n', '500'])
    expect(out).toMatch(/inference +app-healthy/)
    expect(out).not.toContain('Once upon')
    expect(out).not.toContain(SECRET)
  })

  it('changed, takes the place of what ran; --undo brings that back', async () => {
    const second = await json<Running>(['deploy', '-f', folder])
    expect(second.isUnchanged).toBe(false)
    expect(second.deployment.app.sha256).not.toBe(first.deployment.app.sha256)
    const back = await json<Running>(['deploy', '-f', folder, '--undo'])
    expect(back.deployment).toEqual(first.deployment)
    expect(await json<{ name: string; state: string }[]>(['ls'])).toMatchObject([
      { name: 'notes', state: 'running' },
    ])
  })

  it('that does not start says why, and what ran before runs again', async () => {
    edit('sotto.yaml', 'command: node server.mjs', 'command: node missing.mjs')
    const { code, err } = await run(['deploy', '-f', folder])
    expect(code).toBe(1)
    expect(err).toMatch(/APP_NOT_HEALTHY/)
    expect(err).toMatch(/what ran before runs again/)
    const status = await json<{ ok: boolean; deployment: object }>(['status', 'notes'])
    expect(status).toMatchObject({ ok: true, deployment: first.deployment })
    edit('sotto.yaml', 'command: node missing.mjs', 'command: node server.mjs')
  })

  it('that has expired is not deployed', async () => {
    edit('sotto.yaml', /^name: notes$/m, 'name: notes\nexpires: 2026-01-01')
    const { code, err } = await run(['deploy', '-f', folder])
    expect(code).not.toBe(0)
    expect(err).toMatch(/DEPLOY_EXPIRED/)
    edit('sotto.yaml', /\nexpires: .*$/m, '')
  })

  it('stopped, is gone; destroyed, leaves nothing', async () => {
    expect(await run(['stop', 'notes', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(readdirSync(folder)).not.toContain('.sotto')
    expect(await json<object[]>(['ls'])).toEqual([])
    expect(await isOpen(Number(new URL(first.relay).port))).toBe(false)
    expect((await run(['status', 'notes'])).err).toMatch(/DEPLOY_UNKNOWN/)
  })
})
