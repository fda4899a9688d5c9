import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { consoleServeCommand } from '../../src/commands/console/serve.ts'
import { manifestDigest } from '../../src/console/manifest.ts'
import { loadPages } from '../../src/console/pages.ts'
import { type RunningPages, servePages } from '../../src/console/server.ts'
import { runCli } from '../../src/framework/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { memoryIo, runInMemory } from '../support/memory-io.ts'
import { FILES, installPages, manifestOf } from './pages.ts'

const CONFIG = { relay: 'https://relay.example', gateway: 'inference', policy: { name: 'mine' } }

async function serve(): Promise<RunningPages> {
  const running = await servePages({ pages: await loadPages(installPages()), config: CONFIG }, 0)
  onTestFinished(() => running.close())
  return running
}

/** Status of a request with a Host of one's own, which `fetch` does not allow. */
async function statusFor(url: string, host: string): Promise<number> {
  const asked = request(url, { headers: { host } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode!
}

describe('pages on this machine', () => {
  it('are the files that were built, with their manifest and what the page is for', async () => {
    const { url } = await serve()
    for (const [name, text] of Object.entries({
      ...FILES,
      SHA256SUMS: manifestOf(),
      '': FILES['index.html']!,
    })) {
      const response = await fetch(`${url}/${name}`)
      expect([response.status, await response.text()], name).toEqual([200, text])
    }
    expect(await (await fetch(`${url}/console.json`)).json()).toEqual({
      servedBy: 'this computer',
      ...CONFIG,
    })
    for (const path of ['other.js', 'sub/index.html', '%2e%2e/secret', 'index.html/'])
      expect((await fetch(`${url}/${path}`)).status, path).toBe(404)
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405)
  })

  it(claim('T21.console', 'come with headers that keep them to themselves and to one relay'), async () => {
    const { url } = await serve()
    for (const path of ['/', '/console.js', '/console.json', '/missing']) {
      const { headers } = await fetch(url + path)
      expect(headers.get('content-security-policy'), path).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; " +
          "worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
          "require-trusted-types-for 'script'; trusted-types 'none'; " +
          "connect-src 'self' https://relay.example wss://relay.example",
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('permissions-policy')).toMatch(/^microphone=\(self\), camera=\(\), /)
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('are asked for again each time, and sent only when they are others', async () => {
    const { url } = await serve()
    const first = await fetch(`${url}/console.js`)
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await fetch(`${url}/console.js`, {
      headers: { 'if-none-match': first.headers.get('etag')! },
    })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await fetch(`${url}/console.json`)).headers.get('cache-control')).toBe('no-store')
    const head = await fetch(`${url}/console.js`, { method: 'HEAD' })
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['23', ''])
  })

  it(claim('T21.console', 'are for names of this machine, whatever leads here'), async () => {
    const { url } = await serve()
    const { port } = new URL(url)
    expect(await statusFor(url, `127.0.0.1:${port}`)).toBe(200)
    expect(await statusFor(url, `localhost:${port}`)).toBe(200)
    for (const host of [`rebound.example:${port}`, '127.0.0.1', '127.0.0.1:1', `127.0.0.2:${port}`])
      expect(await statusFor(url, host), host).toBe(403)
    expect(await statusFor(url, `a@127.0.0.1:${port}`)).toBe(400)
  })

  it(claim('T21.console', 'are not served when one file is another, missing or too large'), async () => {
    const changed = installPages()
    writeFileSync(join(changed.folder, 'Trust-A1.js'), 'export default 2')
    await expect(loadPages(changed)).rejects.toMatchObject({
      code: 'CLI_NOT_AUTHENTIC',
      message: `${join(changed.folder, 'Trust-A1.js')} is not what was built`,
    })
    const missing = installPages()
    await expect(
      loadPages({ ...missing, manifest: manifestOf({ ...FILES, 'z.js': '' }) }),
    ).rejects.toMatchObject({ code: 'CLI_NOT_AUTHENTIC', found: 'no such file' })
    const css = join(missing.folder, 'console.css')
    writeFileSync(css, Buffer.alloc(5_000_000))
    await expect(loadPages(missing)).rejects.toMatchObject({ found: '5000000 bytes' })
    rmSync(css)
    expect(spawnSync('mkfifo', [css]).status).toBe(0)
    await expect(loadPages(missing)).rejects.toMatchObject({ found: 'no file' })
  })
})

describe('sotto console', () => {
  let desk: Desk
  beforeEach(async () => void (desk = await createDesk()))
  afterEach(() => desk.clear())
  const env = { SOTTO_HOST: 'https://relay.example', SOTTO_POLICY: 'policy.json', SOTTO_CONFIG_DIR: 'config' }
  const command = (): ReturnType<typeof consoleServeCommand> => {
    const pages = installPages()
    return consoleServeCommand(() => Promise.resolve(pages))
  }

  it('says where it serves, warns of a relay that lets no page in, and ends cleanly', async () => {
    const interrupt = new AbortController()
    const { cwd, service } = desk
    const world = memoryIo({ cwd, env, fetch: service.fetch, signal: interrupt.signal })
    const running = runCli(['console', '--port', '0', '--json'], world.io, {
      commands: [command()],
      version: '1.2.3',
    })
    await expect.poll(() => world.stderr()).toContain('press Ctrl-C')
    const { url, relay } = JSON.parse(world.stdout()) as { url: string; relay: string }
    expect(relay).toBe('https://relay.example')
    const config = (await (await fetch(`${url}/console.json`)).json()) as { policy: unknown }
    expect(config.policy).toEqual(JSON.parse(JSON.stringify(service.world.policy)))
    expect(world.stderr()).toContain(
      `warning: the relay https://relay.example does not let pages of ${url} use it\n` +
        `hint: whoever runs the relay adds ${url} to browserOrigins\n`,
    )
    expect(world.stderr()).toContain('warning: software TEE')
    interrupt.abort()
    expect(await running).toBe(130)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  const sotto = (argv: string[], more: Record<string, string> = env): ReturnType<typeof runInMemory> =>
    runInMemory([command()], ['console', ...argv], { cwd: desk.cwd, env: more })

  it('says what is missing and what to do', async () => {
    expect(await sotto([], {})).toMatchObject({
      code: 2,
      stderr:
        'error: no service for the page to ask [CLI_USAGE]\n' +
        'hint: start a local stack here with sotto up -d, pass --host URL, or set SOTTO_HOST\n',
    })
    const unpaired = await sotto(['--host', 'https://relay.example'], {})
    expect([unpaired.code, unpaired.stderr]).toEqual([2, expect.stringContaining('no trust policy')])
    const crooked = await sotto(['--host', 'https://relay.example;script-src', '--port', '0'])
    expect([crooked.code, crooked.stderr]).toEqual([2, expect.stringContaining('not an address')])
    expect((await sotto(['--policy', 'absent.json'])).code).toBe(2)
  })

  it('does not serve pages that one’s own policy revokes', async () => {
    const revoked = [manifestDigest(manifestOf())]
    desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, revoked }))
    expect(await sotto(['--port', '0'])).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringContaining('revokes these pages'),
    })
  })

  it('says when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await sotto(['--port', `${port}`])
    expect(code).toBe(2)
    expect(stderr).toContain(`error: port ${port} of this machine is in use [CLI_USAGE]\nhint: `)
  })
})
