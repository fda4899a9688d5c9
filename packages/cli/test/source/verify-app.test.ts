import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import type { ReleasedApp, Role } from '@sotto/protocol/keyrelease'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packCode } from '../../src/deploy/app/pack.ts'
import type { ExpectedRelease } from '../../src/source/expected.ts'
import { compareApps } from '../../src/source/verify-app.ts'
import { createDesk, type Desk, traffic } from '../support/desk.ts'
import type { RunResult } from '../support/memory-io.ts'

const FILES = { 'server.mjs': 'serve()', 'lib/words.mjs': 'words' }

let desk: Desk
let sha256: string
beforeEach(async () => {
  desk = await createDesk()
  const folder = join(desk.cwd, 'app')
  mkdirSync(join(folder, 'lib'), { recursive: true })
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(folder, path), text, { mode: 0o644 })
  ;({ sha256 } = await packCode(folder))
})
afterEach(() => desk.clear())

/** A user at the desk of the same folder, of a service whose enclave runs this app. */
async function run(app: ReleasedApp | undefined, argv: string[]): Promise<RunResult & { sent: string[] }> {
  const other = await createDesk({
    release: (statement) =>
      statement.predicate.role === 'kms' || app === undefined
        ? statement
        : { ...statement, predicate: { ...statement.predicate, app } },
    policy: (policy) =>
      app === undefined
        ? policy
        : { ...policy, apps: [app.sha256], require: [...policy.require, 'keys.app'] },
  })
  desk.write('policy.json', JSON.stringify(other.service.world.policy))
  desk.write('bundle.json', encodeTrustBundle(other.service.world.bundle))
  const result = await desk.sotto(['verify', ...argv], {
    fetch: other.service.fetch,
    nowMs: () => other.service.world.now * 1000,
  })
  const sent = traffic(other.service).filter((call) => !call.startsWith('GET '))
  other.clear()
  return { ...result, sent }
}
const notes = (): ReleasedApp => ({ name: 'notes', sha256 })
const file = (path: string): string => join(desk.cwd, 'app', path)

describe('sotto verify --app', () => {
  it('ticks the code that runs, of a service and of a saved bundle, and sends nothing', async () => {
    for (const place of [[], ['bundle.json']]) {
      const { code, stdout, sent } = await run(notes(), [...place, '--app', 'app'])
      expect(stdout).toMatch(/✓ source\.app +required +This code is the app of inference 1\.0\.0\n/)
      expect(stdout).toMatch(new RegExp(`app ${sha256}\\n\\nthis code is exactly the app that runs\\n$`))
      expect([code, sent]).toEqual([0, []])
    }
  })

  it('takes a sotto.yaml too, wherever its code lies', async () => {
    desk.write('sotto.yaml', 'name: notes\napp: {code: ./app, command: run}\n')
    expect(await run(notes(), ['--app', 'sotto.yaml'])).toMatchObject({ code: 0 })
    desk.write('sotto.yaml', 'name: notes\n')
    const { code, stderr } = await run(notes(), ['--app', 'sotto.yaml'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('has no app')])
  })

  it('does not look at times, owners, or what is left out', async () => {
    mkdirSync(file('.git'))
    writeFileSync(file('.git/HEAD'), 'x')
    writeFileSync(file('.DS_Store'), 'x')
    chmodSync(file('server.mjs'), 0o600)
    expect(await run(notes(), ['--app', 'app'])).toMatchObject({ code: 0 })
  })

  it.each<[string, () => void]>([
    ['one byte more', () => writeFileSync(file('server.mjs'), 'serve() ')],
    ['one byte changed', () => writeFileSync(file('lib/words.mjs'), 'wordz')],
    ['the right to execute', () => chmodSync(file('server.mjs'), 0o755)],
    ['an empty file more', () => writeFileSync(file('empty'), '')],
    ['a file less', () => rmSync(file('lib/words.mjs'))],
    ['a file with another name', () => renameSync(file('lib/words.mjs'), file('lib/word.mjs'))],
  ])('finds %s, and exits 5', async (_what, change) => {
    const app = notes()
    change()
    const { code, stdout } = await run(app, ['--app', 'app'])
    expect(stdout).toMatch(/✗ source\.app /)
    expect(stdout).toContain('the app that runs has other code')
    expect(stdout).toContain(app.sha256)
    expect(stdout).toMatch(/it is not proven that this code is the app that runs\n$/)
    expect(code).toBe(5)
  })

  it('says so where no app runs', async () => {
    const { code, stdout } = await run(undefined, ['--app', 'app', '--json'])
    expect(code).toBe(5)
    const { ok, steps, ...rest } = JSON.parse(stdout) as { ok: boolean; steps: { name: string }[] }
    expect([ok, rest]).toEqual([false, { source: join(desk.cwd, 'app'), sha256 }])
    expect(steps.find(({ name }) => name === 'source.app')).toMatchObject({
      status: 'fail',
      reason: 'this release runs no app',
      found: 'none',
    })
  })

  it('compares nothing with a service that does not verify', async () => {
    const app = notes()
    const { stdout } = await run(app, ['--app', 'app'])
    expect(stdout).toContain('✓ source.app')
    // The policy of somebody who knows of no app.
    const policy = JSON.parse(readFileSync(join(desk.cwd, 'policy.json'), 'utf8')) as {
      apps?: string[]
      require: string[]
    }
    delete policy.apps
    policy.require = policy.require.filter((name) => name !== 'keys.app')
    desk.write('strict.json', JSON.stringify(policy))
    const refused = await desk.sotto(['verify', 'bundle.json', '--policy', 'strict.json', '--app', 'app'])
    expect(refused.stdout).not.toContain('source.app')
    expect(refused.stdout).toContain('it is not proven')
    expect(refused.code).toBe(5)
  })

  it('refuses code that cannot be packed, and two things to compare with', async () => {
    symlinkSync('/etc/passwd', file('x'))
    expect(await run(notes(), ['--app', 'app'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('DEPLOY_APP') as string,
    })
    expect(await run(notes(), ['--app', 'none'])).toMatchObject({ code: 2, stdout: '' })
    expect(await run(notes(), ['--app', 'app', '--source', '.'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CLI_USAGE') as string,
    })
  })
})

describe('several releases', () => {
  const release = (name: string, app?: string, role: Role = 'inference'): ExpectedRelease => ({
    role,
    name,
    digest: 'cd'.repeat(32),
    ...(app !== undefined && { app: { name: 'notes', sha256: app } }),
  })

  it('all have to run this code, each by a step of its own', () => {
    const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)]
    const steps = compareApps(
      [
        release('kms', undefined, 'kms'),
        release('room', undefined, 'room'),
        release('one', A),
        release('two', B),
        release('three'),
        release('four', A),
      ],
      A,
    )
    expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'source.app pass',
      'source.app-2 fail',
      'source.app-3 fail',
      'source.app-4 pass',
    ])
    expect(steps[1]).toMatchObject({ expected: B, found: A, title: 'This code is the app of two' })
    expect(steps.every(({ required }) => required)).toBe(true)
  })

  it('none of an enclave is nothing compared', () => {
    const others = [release('kms', undefined, 'kms'), release('room', undefined, 'room')]
    expect(compareApps(others, 'aa'.repeat(32))).toEqual([])
  })
})
