import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { commands, VERSION } from '../../src/commands/index.ts'
import { runCli } from '../../src/framework/index.ts'
import { openProxySecret } from '../../src/owner/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { memoryIo } from '../support/memory-io.ts'

let desk: Desk
beforeEach(async () => void (desk = await createDesk()))
afterEach(() => desk.clear())

/** Starts a proxy, runs `work` and interrupts it. What it said comes back. */
async function withProxy(
  argv: string[],
  work: (started: { url: string; ownerSecretFile?: string }) => Promise<void>,
): Promise<{ stdout: string; stderr: string }> {
  const interrupt = new AbortController()
  const world = memoryIo({
    cwd: desk.cwd,
    env: { SOTTO_HOST: 'https://relay.example', SOTTO_POLICY: 'policy.json', SOTTO_CONFIG_DIR: 'config' },
    fetch: desk.service.fetch,
    nowMs: () => desk.service.world.now * 1000,
    signal: interrupt.signal,
  })
  const running = runCli(['proxy', '--port', '0', '--json', ...argv], world.io, {
    commands,
    version: VERSION,
  })
  await expect.poll(() => world.stdout()).toContain('\n')
  await work(JSON.parse(world.stdout()) as { url: string })
  interrupt.abort()
  expect(await running).toBe(130)
  return { stdout: world.stdout(), stderr: world.stderr() }
}

const remove = (url: string, authorization: string): Promise<number> =>
  fetch(`${url}/v1/sealed-models/notes`, { method: 'DELETE', headers: { authorization } }).then(
    ({ status }) => status,
  )

describe('sotto proxy --owner', () => {
  it(claim('T21', 'makes a secret that its user alone reads, and acts for whoever presents it'), async () => {
    let secret = ''
    const said = await withProxy(['--owner', 'owner.key'], async ({ url, ownerSecretFile }) => {
      expect(ownerSecretFile).toBe(join(desk.cwd, 'config', 'proxy-owner.secret'))
      expect(statSync(ownerSecretFile!).mode & 0o777).toBe(0o600)
      secret = readFileSync(ownerSecretFile!, 'utf8').trim()
      expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(await remove(url, 'Bearer guessed')).toBe(401)
      // Goes on to the service, which knows no such model.
      expect(await remove(url, `Bearer ${secret}`)).not.toBe(401)
    })
    expect(said.stderr).toContain('proxy-owner.secret')
    expect(said.stdout + said.stderr).not.toContain(secret)
    await withProxy(['--owner', 'owner.key'], async ({ url }) => {
      expect(await remove(url, `Bearer ${secret}`)).not.toBe(401)
    })
  })

  it('makes no secret without an owner', async () => {
    await withProxy([], async (started) => {
      expect(started).not.toHaveProperty('ownerSecretFile')
    })
    expect(existsSync(join(desk.cwd, 'config', 'proxy-owner.secret'))).toBe(false)
    expect((await desk.sotto(['proxy', '--port', '0', '--owner-secret', 'x'])).code).toBe(2)
  })

  it('does not listen for an owner beyond this machine', async () => {
    const argv = ['proxy', '--port', '0', '--owner', 'owner.key', '--listen', '0.0.0.0', '--api-key', 'k']
    const { code, stderr } = await desk.sotto(argv)
    expect([code, stderr]).toEqual([2, expect.stringContaining('this machine only')])
  })
})

describe('a secret of a proxy', () => {
  it.each([
    ['too short', 'short\n', 0o600],
    ['not one line', `${'x'.repeat(40)}\n${'x'.repeat(40)}\n`, 0o600],
    ['too large', 'x'.repeat(5000), 0o600],
    ['readable by others', `${'x'.repeat(40)}\n`, 0o644],
  ])('is refused when it is %s', async (_, text, mode) => {
    const file = join(desk.cwd, 'secret')
    writeFileSync(file, text)
    chmodSync(file, mode)
    await expect(openProxySecret(file)).rejects.toMatchObject({ code: 'CLI_FILE' })
  })

  it('of two proxies that start at once is one', async () => {
    const file = join(desk.cwd, 'new', 'secret')
    const [first, second] = await Promise.all([openProxySecret(file), openProxySecret(file)])
    expect(first).toBe(second)
  })
})
