import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Config,
  configDirectory,
  loadConfig,
  SETTING_NAMES,
  stateDirectory,
} from '../../src/config/index.ts'

let cwd = ''
let home = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-cli-'))
  home = join(cwd, 'home')
  mkdirSync(join(home, 'sotto'), { recursive: true })
  mkdirSync(join(cwd, '.sotto'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

const world = (env: Record<string, string> = {}): { env: Record<string, string>; cwd: string } => ({
  env: { XDG_CONFIG_HOME: home, ...env },
  cwd,
})
const write = (path: string, value: unknown): void =>
  writeFileSync(join(cwd, path), typeof value === 'string' ? value : JSON.stringify(value))
const values = (config: Config): Record<string, string> =>
  Object.fromEntries(
    SETTING_NAMES.flatMap((name) => (config.get(name) ? [[name, config.get(name)!.value]] : [])),
  )

describe('loadConfig', () => {
  it('prefers environment, then project, then user file, then default', async () => {
    write('home/sotto/config.json', {
      host: 'https://user',
      policy: 'user.json',
      gateway: 'user',
      model: { chat: 'user' },
    })
    write('sotto.json', { host: 'https://project', policy: 'pinned/policy.json', 'model.chat': 'project' })
    const config = await loadConfig(world({ SOTTO_HOST: 'https://env', SOTTO_POLICY: '' }))
    expect(values(config)).toEqual({
      host: 'https://env',
      gateway: 'user',
      policy: join(cwd, 'pinned/policy.json'),
      'model.chat': 'project',
    })
    expect(config.get('host')!.origin).toBe('SOTTO_HOST')
    expect(config.get('policy')!.origin).toBe(join(cwd, 'sotto.json'))
  })

  it('falls back to the local stack when no host is set anywhere', async () => {
    write('.sotto/stack.json', {
      relay: 'http://127.0.0.1:4000',
      policy: '.sotto/policy.json',
      roles: [{ name: 'log', pid: 7, url: 'http://127.0.0.1:4001' }],
    })
    const config = await loadConfig(world())
    expect(values(config)).toEqual({
      host: 'http://127.0.0.1:4000',
      gateway: 'inference',
      log: 'http://127.0.0.1:4001/log',
      policy: join(cwd, '.sotto/policy.json'),
    })
    expect(config.get('policy')!.origin).toBe('local stack (.sotto/stack.json)')
  })

  it('never pairs the stack’s policy with another host', async () => {
    write('.sotto/stack.json', { relay: 'http://127.0.0.1:4000', policy: '.sotto/policy.json' })
    expect((await loadConfig(world({ SOTTO_HOST: 'https://other' }))).get('policy')).toBeUndefined()
  })

  it('says of which host a setting is: the one that its file names, whatever stands before the file', async () => {
    write('sotto.json', { host: 'https://project', log: 'https://log.project' })
    write('home/sotto/config.json', { issuer: 'https://issuer.user', 'issuer-key': 'k' })
    const config = await loadConfig(world({ SOTTO_HOST: 'https://env', SOTTO_KMS: 'https://kms.env' }))
    expect(
      (['host', 'log', 'kms', 'issuer', 'gateway'] as const).map((name) => config.get(name)?.ofHost),
    ).toEqual([undefined, 'https://project', undefined, undefined, undefined])
  })

  it('reads only the file that --config names', async () => {
    write('sotto.json', { host: 'https://project' })
    write('mine.json', { gateway: 'mine' })
    expect(values(await loadConfig(world(), 'mine.json'))).toEqual({ gateway: 'mine' })
    await expect(loadConfig(world(), 'absent.json')).rejects.toMatchObject({ code: 'CLI_CONFIG' })
  })

  it.each([
    ['not JSON', '{'],
    ['an array', '[]'],
    ['an unknown setting', { hots: 'x' }],
    ['a wrong type', { host: 7 }],
    ['an empty value', { host: '' }],
    ['an unknown model task', { model: { paint: 'x' } }],
    ['a nested object elsewhere', { host: { a: 'b' } }],
    ['too large', { host: 'x'.repeat(70_000) }],
  ])('refuses a file that is %s', async (_, content) => {
    write('sotto.json', content)
    await expect(loadConfig(world())).rejects.toMatchObject({ code: 'CLI_CONFIG' })
  })

  it('refuses a damaged stack file with advice', async () => {
    write('.sotto/stack.json', { relay: 7 })
    await expect(loadConfig(world())).rejects.toMatchObject({
      code: 'CLI_CONFIG',
      hint: 'run sotto down, then sotto up',
    })
  })
})

describe('directories', () => {
  it('follow SOTTO_CONFIG_DIR, then XDG, then the home directory', () => {
    expect(configDirectory({ env: { SOTTO_CONFIG_DIR: 'here' }, cwd: '/w' })).toBe('/w/here')
    expect(stateDirectory({ env: { SOTTO_CONFIG_DIR: 'here' }, cwd: '/w' })).toBe('/w/here/state')
    expect(configDirectory({ env: { XDG_CONFIG_HOME: '/x' }, cwd: '/w' })).toBe('/x/sotto')
    expect(stateDirectory({ env: { XDG_STATE_HOME: '/s' }, cwd: '/w' })).toBe('/s/sotto')
    expect(configDirectory({ env: { HOME: '/h' }, cwd: '/w' })).toBe('/h/.config/sotto')
    expect(stateDirectory({ env: { HOME: '/h' }, cwd: '/w' })).toBe('/h/.local/state/sotto')
  })
})
