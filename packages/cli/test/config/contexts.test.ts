import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  chooseContext,
  contextFiles,
  currentContext,
  listContexts,
  loadConfig,
  removeContext,
  saveContext,
} from '../../src/config/index.ts'

const KEY = 'sk-sotto-hunter2'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-contexts-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
})

const world = (env: Record<string, string> = {}): { env: Record<string, string>; cwd: string } => ({
  env: { SOTTO_CONFIG_DIR: join(cwd, 'config'), ...env },
  cwd,
})
const save = (name: string, host = `https://${name}`, key?: string, more = {}): Promise<unknown> =>
  saveContext(world(), name, { host, gateway: 'inference', ...more }, '{}', key)
const write = (path: string, value: unknown): void => {
  mkdirSync(join(cwd, path, '..'), { recursive: true })
  writeFileSync(join(cwd, path), JSON.stringify(value))
}
const get = async (
  name: Parameters<Awaited<ReturnType<typeof loadConfig>>['get']>[0],
  env = {},
): Promise<string | undefined> => (await loadConfig(world(env))).get(name)?.value
const gone = expect.objectContaining({ code: 'CLI_CONFIG', action: 'fix-input' }) as Error

describe('contexts', () => {
  it('are none, then those that were saved; the one that was saved last is chosen', async () => {
    expect([await listContexts(world()), await currentContext(world())]).toEqual([[], undefined])
    await save('b')
    await save('a')
    expect(await listContexts(world())).toEqual(['a', 'b'])
    expect((await currentContext(world()))?.name).toBe('a')
    await chooseContext(world(), 'b')
    expect((await currentContext(world()))?.name).toBe('b')
    await removeContext(world(), 'b')
    expect([await listContexts(world()), await currentContext(world())]).toEqual([['a'], undefined])
  })

  it('are for their user alone, each with its own policy and account key', async () => {
    await save('a', 'https://a', `${KEY}-a`)
    await save('b', 'https://b', `${KEY}-b`)
    await save('c')
    for (const name of ['a', 'b', 'c']) {
      const { folder, ...files } = contextFiles(world(), name)
      expect(statSync(folder).mode & 0o777).toBe(0o700)
      for (const file of Object.values(files).filter(existsSync))
        expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(await get('policy', { SOTTO_CONTEXT: name })).toBe(files.policy)
      expect(existsSync(files.accountKey) ? readFileSync(files.accountKey, 'utf8') : undefined).toBe(
        name === 'c' ? undefined : `${KEY}-${name}\n`,
      )
      expect(readFileSync(files.settings, 'utf8')).not.toContain(KEY)
    }
  })

  it('saved again without an account lose the key of before', async () => {
    await save('a', 'https://a', KEY)
    await save('a', 'https://other')
    expect(readdirSync(contextFiles(world(), 'a').folder).sort()).toEqual(['policy.json', 'settings.json'])
  })

  it('are no contexts while they are saved: a key is never beside the address of before', async () => {
    await save('a', 'https://a', KEY)
    // The next step of saving, writing the policy, is not possible: as if it had been killed there.
    const { policy, settings, accountKey } = contextFiles(world(), 'a')
    rmSync(policy)
    mkdirSync(policy)
    await expect(save('a', 'https://other', `${KEY}-other`)).rejects.toThrow()
    expect(existsSync(settings)).toBe(false)
    expect(readFileSync(accountKey, 'utf8')).toBe(`${KEY}\n`)
    expect(await listContexts(world())).toEqual([])
    await expect(loadConfig(world({ SOTTO_CONTEXT: 'a' }))).rejects.toThrow(gone)
  })

  it.each(['', '.', '..', '../a', 'a/b', 'A', '.a', '-a', 'a b', 'a\0', 'a\n', 'x'.repeat(64), '__proto__'])(
    'cannot be called %j',
    async (name) => {
      expect(() => contextFiles(world(), name)).toThrowError(
        expect.objectContaining({ code: 'CLI_USAGE' }) as Error,
      )
      await expect(chooseContext(world(), name)).rejects.toThrow(gone)
      await expect(removeContext(world(), name)).rejects.toThrow(gone)
      await expect(save(name)).rejects.toThrow()
      expect(await listContexts(world())).toEqual([])
    },
  )

  it('other things in their folder are none', async () => {
    await save('a')
    const root = join(cwd, 'config', 'contexts')
    mkdirSync(join(root, 'empty'))
    mkdirSync(join(root, 'Capital'))
    mkdirSync(join(root, 'odd', 'settings.json'), { recursive: true })
    writeFileSync(join(root, 'file'), '')
    expect(await listContexts(world())).toEqual(['a'])
  })
})

describe('which context is in effect', () => {
  beforeEach(async () => {
    await save('a')
    await save('b')
  })

  it('is that of the environment, then the one that was chosen', async () => {
    expect([await get('host'), await get('host', { SOTTO_CONTEXT: 'a' })]).toEqual(['https://b', 'https://a'])
    expect(await get('host', { SOTTO_CONTEXT: '' })).toBe('https://b')
  })

  it('stands behind environment and project, and before the user’s file', async () => {
    write('config/config.json', { host: 'https://user', 'model.chat': 'user' })
    expect([await get('host'), await get('model.chat')]).toEqual(['https://b', 'user'])
    write('sotto.json', { host: 'https://project' })
    expect(await get('host')).toBe('https://project')
    expect(await get('host', { SOTTO_HOST: 'https://environment' })).toBe('https://environment')
    rmSync(join(cwd, 'sotto.json'))
    const config = await loadConfig(world())
    expect(config.get('host')).toEqual({
      value: 'https://b',
      origin: contextFiles(world(), 'b').settings,
      ofHost: 'https://b',
    })
  })

  it('is a whole service: what it leaves open is not another one’s', async () => {
    write('config/config.json', {
      host: 'https://user',
      log: 'https://log.user',
      kms: 'https://kms.user',
      issuer: 'https://issuer.user',
      'issuer-key': 'k',
      policy: 'user.json',
      'model.chat': 'user',
    })
    const config = await loadConfig(world())
    expect((['log', 'kms', 'issuer', 'issuer-key'] as const).map((name) => config.get(name))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(config.get('gateway')?.value).toBe('inference')
    await removeContext(world(), 'b')
    expect(await get('issuer')).toBe('https://issuer.user')
  })

  it('is none with --config, which names all there is', async () => {
    write('other.json', { host: 'https://other' })
    const config = await loadConfig(world({ SOTTO_CONTEXT: 'none' }), 'other.json')
    expect(config.get('host')?.value).toBe('https://other')
    expect(config.get('policy')).toBeUndefined()
  })

  it('named by the environment and gone, is an error, and no other takes its place', async () => {
    write('config/config.json', { host: 'https://user' })
    for (const name of ['none', '../a', 'constructor'])
      await expect(loadConfig(world({ SOTTO_CONTEXT: name }))).rejects.toThrow(gone)
    rmSync(contextFiles(world(), 'a').settings)
    await expect(loadConfig(world({ SOTTO_CONTEXT: 'a' }))).rejects.toThrow(gone)
  })

  it('chosen and removed by hand, is none', async () => {
    rmSync(contextFiles(world(), 'b').folder, { recursive: true })
    expect(await currentContext(world())).toBeUndefined()
    expect(await get('host')).toBeUndefined()
  })

  it.each(['', ' ', '../a', 'a\nb', 'x'.repeat(5000)])(
    'chosen as %j, which is none, is none',
    async (text) => {
      writeFileSync(join(cwd, 'config', 'context'), text)
      expect(await currentContext(world())).toBeUndefined()
    },
  )

  it('with damaged settings is an error that names the file', async () => {
    const { settings } = contextFiles(world(), 'b')
    for (const text of ['{', '[]', '{"host": 1}', '{"account-key": "x"}', '{"__proto__": {}}']) {
      writeFileSync(settings, text)
      await expect(loadConfig(world())).rejects.toThrow(
        expect.objectContaining({
          code: 'CLI_CONFIG',
          message: expect.stringContaining(settings) as string,
        }) as Error,
      )
    }
  })
})
