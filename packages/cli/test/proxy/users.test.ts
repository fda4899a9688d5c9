import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexUsers, parseProxyUsers } from '../../../client/src/proxy/users.ts'
import { proxy } from '../../src/commands/proxy.ts'
import { parseAddress, proxyUsersCommands } from '../../src/proxy/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let cwd: string
beforeEach(() => void (cwd = mkdtempSync(join(tmpdir(), 'sotto-users-'))))
afterEach(() => rmSync(cwd, { recursive: true }))

const commands = [proxy, ...proxyUsersCommands]
const users = (...argv: string[]): Promise<RunResult> =>
  runInMemory(commands, ['proxy', 'users', ...argv], { cwd, env: { SOTTO_CONFIG_DIR: join(cwd, 'config') } })
const file = (): string => join(cwd, 'config', 'proxy-users.json')
const ownerOf = (key: string): string | undefined =>
  indexUsers(parseProxyUsers(readFileSync(file(), 'utf8'))).byKey(key)?.name

describe('sotto proxy users', () => {
  it('add shows a key once, alone on standard output, and keeps a hash of it', async () => {
    const { code, stdout, stderr } = await users('add', 'ada', '--requests-per-minute', '60')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^sk-sotto-[0-9a-f]{12}-[A-Za-z0-9_-]{43}\n$/)
    expect(stderr).toContain('shown once')
    expect(stderr).not.toContain(stdout.trim())
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(readFileSync(file(), 'utf8')).not.toContain(stdout.trim().slice(-20))
    expect(ownerOf(stdout.trim())).toBe('ada')
  })

  it('add refuses a name that is there, or is no name', async () => {
    await users('add', 'ada')
    const before = readFileSync(file(), 'utf8')
    for (const name of ['ada', 'a b', '-x', 'a'.repeat(65)]) {
      const { code, stdout } = await users('add', '--', name)
      expect([code, stdout]).toEqual([2, ''])
    }
    expect(readFileSync(file(), 'utf8')).toBe(before)
  })

  it('add makes no key for a user who comes with a certificate', async () => {
    const { stdout } = await users('add', 'ada@example.org', '--certificate', '--json')
    expect(JSON.parse(stdout)).toEqual({ name: 'ada@example.org', key: null })
    expect((await users('ls')).stdout).toBe('ada@example.org  certificate  any rate  any number at once\n')
  })

  it('ls shows who there is, and of a key its public name only', async () => {
    expect((await users('ls')).code).toBe(2)
    const key = (await users('add', 'ada', '--concurrent', '2')).stdout.trim()
    const { stdout } = await users('ls')
    expect(stdout).toBe(`ada  ${key.slice(0, 22)}…  any rate  2 at once\n`)
    const shown = (await users('ls', '--json')).stdout
    expect(JSON.parse(shown)).toMatchObject({
      users: [{ name: 'ada', limits: { concurrent: 2 }, disabled: false }],
    })
    const { hash, salt } = parseProxyUsers(readFileSync(file(), 'utf8')).users[0]!.key!
    for (const secret of [hash, salt, key.slice(-20)]) expect(shown + stdout).not.toContain(secret)
  })

  it('set changes what is named and leaves the rest', async () => {
    const key = (await users('add', 'ada', '--concurrent', '2')).stdout.trim()
    const set = async (...argv: string[]): Promise<unknown> =>
      JSON.parse((await users('set', 'ada', '--json', ...argv)).stdout)
    expect(await set('--requests-per-minute', '5')).toEqual({
      name: 'ada',
      limits: { concurrent: 2, requestsPerMinute: 5 },
      disabled: false,
    })
    expect(await set('--disable')).toMatchObject({ limits: { concurrent: 2 }, disabled: true })
    expect(await set('--unlimited')).toEqual({ name: 'ada', limits: {}, disabled: true })
    expect(await set('--enable')).toMatchObject({ disabled: false })
    expect(ownerOf(key)).toBe('ada')
    for (const wrong of [
      [],
      ['--enable', '--disable'],
      ['--unlimited', '--concurrent', '1'],
      ['--concurrent', '0'],
    ])
      expect((await users('set', 'ada', ...wrong)).code).toBe(2)
  })

  it('rotate ends the key before, and leaves the limits', async () => {
    const first = (await users('add', 'ada', '--concurrent', '2')).stdout.trim()
    const second = (await users('rotate', 'ada')).stdout.trim()
    expect([ownerOf(first), ownerOf(second)]).toEqual([undefined, 'ada'])
    expect((await users('ls')).stdout).toContain('2 at once')
  })

  it('rm asks first, and needs an answer', async () => {
    const key = (await users('add', 'ada')).stdout.trim()
    expect((await users('rm', 'ada')).code).toBe(2)
    expect(ownerOf(key)).toBe('ada')
    expect((await users('rm', 'ada', '--yes')).stdout).toBe('removed ada\n')
    expect(ownerOf(key)).toBeUndefined()
    for (const argv of [
      ['rm', 'ada', '--yes'],
      ['rotate', 'ada'],
      ['set', 'ada', '--disable'],
    ])
      expect(await users(...argv)).toMatchObject({ code: 2, stdout: '' })
  })

  it('work on the file that is named, and on none that others may read', async () => {
    await users('add', 'ada', '--users', 'own.json')
    expect([existsSync(join(cwd, 'own.json')), existsSync(file())]).toEqual([true, false])
    chmodSync(join(cwd, 'own.json'), 0o644)
    const { code, stderr } = await users('add', 'bob', '--users', 'own.json')
    expect([code, stderr]).toEqual([2, expect.stringContaining('[PROXY_CONFIG]')])
    writeFileSync(join(cwd, 'other.json'), 'nothing', { mode: 0o600 })
    expect((await users('ls', '--users', 'other.json')).code).toBe(2)
  })

  it('is a group of commands below one that does something by itself', async () => {
    expect((await users()).code).toBe(2)
    const { code, stdout } = await runInMemory(commands, ['proxy', '--help'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('users')])
  })
})

describe('an address of a flag', () => {
  it.each([
    ['9090', { host: '127.0.0.1', port: 9090 }],
    [':9090', { host: '127.0.0.1', port: 9090 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['metrics.example:9090', { host: 'metrics.example', port: 9090 }],
    ['[::1]:9090', { host: '::1', port: 9090 }],
  ])('%s is one', (text, address) => {
    expect(parseAddress('metrics', text)).toEqual(address)
  })

  it.each(['', 'x', '65536', '::1:9090', '[::1]', 'a:b', 'http://a:1', 'a b:1', '-1'])(
    '%j is none',
    (text) => {
      expect(() => parseAddress('metrics', text)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
    },
  )
})
