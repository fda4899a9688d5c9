import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ask,
  authority,
  serverCertificate,
  writeServerFiles,
} from '../../../client/test/proxy/certificates.ts'
import { proxy } from '../../src/commands/proxy.ts'
import { runCli } from '../../src/framework/index.ts'
import { proxyUsersCommands } from '../../src/proxy/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { memoryIo, runInMemory, type RunResult } from '../support/memory-io.ts'

let desk: Desk
beforeEach(async () => void (desk = await createDesk()))
afterEach(() => desk.clear())

const commands = [proxy, ...proxyUsersCommands]
const env = { SOTTO_HOST: 'https://relay.example', SOTTO_POLICY: 'policy.json', SOTTO_CONFIG_DIR: 'config' }

interface Started {
  url: string
  metrics?: string
}

/** Starts a proxy, runs `work` and interrupts it. */
async function withProxy(
  argv: string[],
  work: (started: Started) => Promise<void>,
): Promise<{ stdout: string; stderr: string }> {
  const interrupt = new AbortController()
  const world = memoryIo({
    cwd: desk.cwd,
    env,
    fetch: desk.service.fetch,
    nowMs: () => desk.service.world.now * 1000,
    signal: interrupt.signal,
  })
  const running = runCli(['proxy', '--port', '0', '--json', ...argv], world.io, { commands, version: '1' })
  await expect.poll(() => world.stdout() + world.stderr()).toMatch(/}\n|error/)
  try {
    await work(JSON.parse(world.stdout()) as Started)
  } finally {
    interrupt.abort()
    expect(await running).toBe(130)
  }
  return { stdout: world.stdout(), stderr: world.stderr() }
}

const run = (argv: readonly string[], more: Record<string, string> = {}): Promise<RunResult> =>
  runInMemory(commands, argv, {
    cwd: desk.cwd,
    env: { ...env, ...more },
    fetch: desk.service.fetch,
    nowMs: () => desk.service.world.now * 1000,
  })
const add = async (name: string): Promise<string> =>
  (await run(['proxy', 'users', 'add', name, '--users', 'users.json'])).stdout.trim()

describe('sotto proxy for an organisation', () => {
  it('speaks TLS, knows users, takes new ones in on SIGHUP, and says how it is', async () => {
    const root = authority()
    writeServerFiles(desk.cwd, serverCertificate(root))
    const ada = await add('ada')
    const argv = ['--tls-cert', 'tls.crt', '--tls-key', 'tls.key', '--users', 'users.json', '--metrics', '0']
    const said = await withProxy(
      [...argv, '--log-users', '--max-concurrent', '4'],
      async ({ url, metrics }) => {
        const statusOf = async (key: string): Promise<number> =>
          (await ask(`${url}/sotto/trust`, { ca: root.pem, headers: { authorization: `Bearer ${key}` } }))
            .status
        expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
        expect(await statusOf(ada)).toBe(200)
        const bob = await add('bob')
        process.emit('SIGHUP')
        await expect.poll(() => statusOf(bob)).toBe(200)
        expect(await statusOf('sk-sotto-wrong')).toBe(401)
        expect((await fetch(`${metrics}/readyz`)).status).toBe(200)
        const text = await (await fetch(`${metrics}/metrics`)).text()
        expect(text).toContain('sotto_proxy_user_requests_total{user="ada"} 1')
      },
    )
    expect(said.stderr).toMatch(
      /\{"time":"[^"]+","event":"request","status":200,"route":"local","user":"ada"\}/,
    )
    expect(said.stdout + said.stderr).not.toContain(ada.slice(-20))
    expect(process.listenerCount('SIGHUP')).toBe(0)
  })

  it('names no user, and writes no lines, unless it is told to', async () => {
    const ada = await add('ada')
    const said = await withProxy(['--users', 'users.json', '--metrics', '0'], async ({ url, metrics }) => {
      await (await fetch(`${url}/sotto/trust`, { headers: { 'api-key': ada } })).text()
      expect(await (await fetch(`${metrics}/metrics`)).text()).not.toContain('ada')
    })
    expect(said.stderr).not.toContain('"event"')
  })

  it('warns where users would send in clear', async () => {
    await add('ada')
    const argv = ['--users', 'users.json', '--listen', '0.0.0.0']
    expect((await withProxy(argv, async () => {})).stderr).toContain('in clear')
    expect((await withProxy(['--users', 'users.json'], async () => {})).stderr).not.toContain('in clear')
  })

  it('answers to several further names', async () => {
    await withProxy(['--allow-host', 'one.example', '--allow-host', 'two.example'], async ({ url }) => {
      const { port } = new URL(url)
      const { request } = await import('node:http')
      const statusOf = (host: string): Promise<number> =>
        new Promise((resolve) =>
          request({ port, path: '/healthz', headers: { host } }, (answer) => {
            answer.resume()
            resolve(answer.statusCode!)
          }).end(),
        )
      expect(await statusOf(`one.example:${port}`)).toBe(200)
      expect(await statusOf('two.example')).toBe(200)
      expect(await statusOf('three.example')).toBe(403)
    })
  })

  it.each<[string, string[], Record<string, string>?]>([
    ['a certificate without its key', ['--tls-cert', 'tls.crt']],
    ['a key without its certificate', ['--tls-key', 'tls.key']],
    ['client certificates without TLS', ['--client-ca', 'ca.pem']],
    ['users and a secret for all', ['--users', 'users.json', '--api-key', 'k']],
    ['users and a secret of the environment', ['--users', 'users.json'], { SOTTO_API_KEY: 'k' }],
    ['users and an owner', ['--users', 'users.json', '--owner', 'owner.key']],
    ['everybody beyond this machine', ['--listen', '0.0.0.0']],
    ['a line without a bound', ['--max-waiting', '5']],
    ['a wait without a bound', ['--max-wait', '5']],
    ['names of users it does not have', ['--log-users']],
    ['a file of users that is not there', ['--users', 'missing.json']],
    ['a certificate that is not there', ['--tls-cert', 'missing.crt', '--tls-key', 'missing.key']],
  ])('is refused with %s', async (_, argv, more) => {
    await add('ada')
    const { code, stderr } = await run(['proxy', '--port', '0', ...argv], more)
    expect([code, stderr]).toEqual([2, expect.stringContaining('[PROXY_CONFIG]')])
  })

  it('is refused with a file of users that others may read', async () => {
    await add('ada')
    chmodSync(join(desk.cwd, 'users.json'), 0o644)
    const { code, stderr } = await run(['proxy', '--port', '0', '--users', 'users.json'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('chmod 600')])
  })

  it('is refused with an address for metrics that is none', async () => {
    writeFileSync(join(desk.cwd, 'x'), '')
    const { code, stderr } = await run(['proxy', '--port', '0', '--metrics', 'everywhere'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('[CLI_USAGE]')])
  })
})
