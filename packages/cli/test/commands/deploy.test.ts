import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CLUSTER } from '../deploy/documents.ts'
import { type DeploymentRecord, openRecords } from '../../src/deploy/record/records.ts'
import { identityOf, isRunning, type ProcessIdentity } from '../../src/process/index.ts'
import type { RunningStack } from '../../src/stack/running.ts'
import { RELAY } from '../../../client/test/support/service.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import type { RunResult, WorldOptions } from '../support/memory-io.ts'

const DIGEST = 'ab'.repeat(32)
const ENDED = { at: '2026-11-28T02:33:00.000Z', reason: 'killed by SIGKILL' }
const SECRET = 'hunter2-hunter2'

let desk: Desk
let supervisor: ChildProcess
let identity: ProcessIdentity
beforeEach(async () => {
  desk = await createDesk()
  supervisor = spawn('sleep', ['60'])
  identity = identityOf(supervisor.pid!)!
})
afterEach(() => {
  supervisor.kill('SIGKILL')
  desk.clear()
})

const sotto = (argv: string[], options: WorldOptions = {}): Promise<RunResult> =>
  desk.sotto(argv, { ...options, env: { SOTTO_HOST: '', SOTTO_POLICY: '', ...options.env } })
const put = (path: string, text: string): void => {
  mkdirSync(join(desk.cwd, path, '..'), { recursive: true })
  desk.write(path, text)
}
const records = (): ReturnType<typeof openRecords> =>
  openRecords({ cwd: desk.cwd, env: { SOTTO_CONFIG_DIR: join(desk.cwd, 'config') } })
const record = (change: Partial<DeploymentRecord> = {}): Promise<void> =>
  records().put({ name: 'notes', target: 'local', folder: desk.cwd, digest: DIGEST, deployedAt: 1, ...change })

/** What a deployment leaves that runs in the desk's folder. */
function running(change: Partial<RunningStack> = {}, ended: readonly string[] = []): void {
  const stack: RunningStack = {
    relay: RELAY,
    gateway: 'inference',
    policy: join(desk.cwd, 'policy.json'),
    software: true,
    supervisor: identity.pid,
    supervisorStarted: identity.started,
    state: join(desk.cwd, '.sotto'),
    roles: ['log', 'kms', 'inference', 'relay'].map((name, index) => ({
      name,
      pid: 900 + index,
      url: `http://127.0.0.1:${index + 1}`,
      ...(ended.includes(name) && { ended: ENDED }),
    })),
    deployment: { name: 'notes', digest: DIGEST, replicas: 1 },
    ...change,
  }
  put('sotto.yaml', 'name: notes\n')
  put('.sotto/stack.json', JSON.stringify(stack))
  mkdirSync(join(desk.cwd, '.sotto', 'run'), { recursive: true })
}

describe('sotto status', () => {
  it('says what runs, by folder, file and name, and verifies it', async () => {
    running()
    await record()
    for (const argv of [['status'], ['status', '-f', 'sotto.yaml'], ['status', '-f', '.'], ['status', 'notes']]) {
      const { code, stdout } = await sotto(argv)
      expect(code).toBe(0)
      expect(stdout).toContain(`notes in ${desk.cwd}\n  deployment ${DIGEST}\n`)
      expect(stdout).toMatch(/verified {3}yes/)
    }
    const json = JSON.parse((await sotto(['status', '--json'])).stdout) as object
    expect(json).toMatchObject({ ok: true, trouble: null, isExpired: false, history: [] })
  })

  it('says what has ended, also where nobody is left to verify, and exits 1', async () => {
    running({}, ['relay'])
    desk.service.knobs.outer = () => {
      throw new TypeError('fetch failed')
    }
    const { code, stdout, stderr } = await sotto(['status'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/relay .* ended: killed by SIGKILL/)
    expect(stdout).toMatch(/verified {3}NO/)
    expect(stderr).toContain('warning: relay (process 903) ended at')
    // Where all of it seems to run, that it cannot be verified is the error.
    running()
    expect(await sotto(['status'])).toMatchObject({ code: 6, stdout: '' })
  })

  it('says that it has expired', async () => {
    running({ deployment: { name: 'notes', digest: DIGEST, replicas: 1, expiresAt: 1_700_000_000 } })
    expect((await sotto(['status'])).stdout).toContain('expires    2023-11-14T22:13:20.000Z: over, it serves nobody')
  })

  it('is refused where nothing runs, and by its name for what a cluster runs', async () => {
    running({ supervisorStarted: 'an earlier boot/1' })
    expect(await sotto(['status'])).toMatchObject({ code: 2, stderr: expect.stringContaining('STACK_NOT_RUNNING') as string })
    rmSync(join(desk.cwd, '.sotto'), { recursive: true })
    await record({ target: 'kubernetes', output: join(desk.cwd, 'out') })
    for (const command of ['status', 'logs'])
      expect(await sotto([command, 'notes'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/notes is for kubernetes.*\[DEPLOY_TARGET\]\nhint: kubectl/) as string,
      })
    expect(await sotto(['status', 'none'])).toMatchObject({ code: 2, stderr: expect.stringContaining('DEPLOY_UNKNOWN') as string })
    expect(await sotto(['status', 'notes', '-f', '.'])).toMatchObject({ code: 2, stderr: expect.stringContaining('CLI_USAGE') as string })
  })

  it('is refused in a folder that has nothing', async () => {
    expect(await sotto(['status'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot read .*sotto\.yaml.*\nhint: sotto init/) as string })
  })
})

describe('sotto ls', () => {
  it('lists all of a user, with what can be seen of them', async () => {
    expect((await sotto(['ls'])).stdout).toBe('no deployments; sotto init begins one\n')
    running()
    await record()
    await record({ name: 'far', target: 'aci', folder: '/elsewhere' })
    await record({ name: 'gone', folder: '/nowhere' })
    const list = async (): Promise<string[]> =>
      (JSON.parse((await sotto(['ls', '--json'])).stdout) as { name: string; state: string }[]).map(({ name, state }) => `${name} ${state}`)
    expect(await list()).toEqual(['far rendered', 'gone stopped', 'notes running'])
    running({}, ['kms'])
    expect(await list()).toContain('notes damaged')
    running()
    await record({ expiresAt: 1_700_000_000 })
    expect(await list()).toContain('notes expired')
    expect((await sotto(['ls'])).stdout).toMatch(/^notes +local +expired +https:\/\/relay\.example +\//m)
  })
})

describe('sotto logs', () => {
  const event = (fields: object): string =>
    `${JSON.stringify({ time: '2026-11-29T08:00:00.000Z', role: 'kms', event: 'started', ...fields })}\n`

  it('shows events, leaves out and counts what is none, in both forms', async () => {
    running()
    put('.sotto/run/kms.log', event({ address: 'http://127.0.0.1:1', count: 3 }) + `${SECRET}\n` + event({ word: SECRET.toUpperCase() + ' ' }))
    put('.sotto/run/inference.log', 'error: inference: CONFIG_INVALID: config.x (found Once upon)\nhint: upon\n')
    put('.sotto/run/up.log', event({ event: 'of-the-command' }))
    const { code, stdout, stderr } = await sotto(['logs'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      '  inference     failed  code=CONFIG_INVALID\n' +
        '2026-11-29T08:00:00.000Z  kms           started  address=http://127.0.0.1:1  count=3\n',
    )
    expect(stderr).toBe('3 lines are no events, and not shown\n')
    expect((await sotto(['logs', '--role', 'kms', '-n', '2'])).stderr).toBe('2 lines are no events, and not shown\n')
    expect((await sotto(['logs', '--role', 'kms', '-n', '1', '--json'])).stderr).toBe('1 line is no event, and not shown\n')
    const json = await sotto(['logs', '--role', 'inference', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ time: '', role: 'inference', event: 'failed', code: 'CONFIG_INVALID' })
  })

  it('names a role that logged nothing, and a folder in which nobody did', async () => {
    running()
    put('.sotto/run/kms.log', event({}))
    expect(await sotto(['logs', '--role', 'kms', '--role', 'kmz'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/no role "kmz" logged anything.*\nhint: sotto status/) as string,
    })
    expect(await sotto(['logs', '--role', '../run/kms'])).toMatchObject({ code: 2 })
    rmSync(join(desk.cwd, '.sotto', 'run', 'kms.log'))
    expect(await sotto(['logs'])).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was logged') as string })
  })

  it('follows until it is interrupted, and then says what it left out', async () => {
    running()
    put('.sotto/run/kms.log', event({}))
    const abort = new AbortController()
    const written = join(desk.cwd, '.sotto', 'run', 'kms.log')
    const run = sotto(['logs', '--follow'], { signal: abort.signal })
    await new Promise((later) => setTimeout(later, 100))
    appendFileSync(written, event({ event: 'ended' }) + `${SECRET}\n`)
    await new Promise((later) => setTimeout(later, 600))
    abort.abort(new DOMException('interrupted', 'AbortError'))
    const { stdout, stderr } = await run
    expect(stdout.split('\n').map((line) => line.split(/ +/)[2])).toEqual(['started', 'ended', undefined])
    expect(stdout + stderr).not.toContain(SECRET)
    expect(stderr).toContain('1 line is no event, and not shown\n')
  })
})

describe('sotto stop', () => {
  it('ends what runs, whatever its file has become, and keeps its state', async () => {
    running()
    put('sotto.yaml', '{ broken')
    await record()
    expect(await sotto(['stop'])).toMatchObject({ code: 0, stdout: 'stopped log, kms, inference, relay\n' })
    expect(isRunning(identity)).toBe(false)
    expect(readdirSync(join(desk.cwd, '.sotto'))).toContain('run')
    expect((await records().get('notes')).digest).toBe(DIGEST)
    expect(await sotto(['stop'])).toMatchObject({ code: 2, stderr: expect.stringContaining('STACK_NOT_RUNNING') as string })
  })

  it('destroys with --delete, after a question', async () => {
    running()
    await record()
    put('.sotto/keys/owner', 'x')
    expect(await sotto(['stop', '--delete'])).toMatchObject({ code: 2 })
    expect(await sotto(['stop', '--delete'], { stdinTerminal: true, stderrTerminal: true, stdin: ['no\n'] })).toMatchObject({ code: 130 })
    expect(isRunning(identity)).toBe(true)
    expect(await sotto(['stop', 'notes', '--delete', '--yes'])).toMatchObject({ code: 0, stdout: expect.stringContaining('destroyed ') as string })
    expect([isRunning(identity), existsSync(join(desk.cwd, '.sotto'))]).toEqual([false, false])
    expect(await records().list()).toEqual([])
    expect(existsSync(join(desk.cwd, 'sotto.yaml'))).toBe(true)
  })

  it('forgets a deployment whose folder is gone', async () => {
    await record({ folder: join(desk.cwd, 'gone') })
    expect(await sotto(['stop', 'notes', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(await records().list()).toEqual([])
  })

  it('ends what runs here before it takes away what a cluster runs', async () => {
    running()
    await record({ target: 'compose', output: join(desk.cwd, 'out') })
    expect(await sotto(['stop', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(isRunning(identity)).toBe(false)
    expect((await records().get('notes')).target).toBe('compose')
  })
})

describe('programs of clusters', () => {
  /** A program that notes what it is told, and ends like this. */
  function program(name: string, exit = 0): { env: Record<string, string>; told(): string[] } {
    const told = join(desk.cwd, `${name}.told`)
    put(`bin/${name}`, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${told}'\nexit ${exit}\n`)
    chmodSync(join(desk.cwd, 'bin', name), 0o755)
    return {
      env: { PATH: `${join(desk.cwd, 'bin')}:/usr/bin:/bin` },
      told: () => (existsSync(told) ? readFileSync(told, 'utf8').trimEnd().split('\n') : []),
    }
  }

  it('take away what they brought, after a question, and then it is forgotten', async () => {
    put('sotto.yaml', 'name: notes\n')
    const helm = program('helm')
    await record({ target: 'kubernetes', namespace: 'ours', output: join(desk.cwd, 'out') })
    expect(await sotto(['stop'], { env: helm.env })).toMatchObject({ code: 2 })
    expect(helm.told()).toEqual([])
    expect(await sotto(['stop', '--yes'], { env: helm.env })).toMatchObject({ code: 0, stdout: expect.stringContaining('volumes are still there') as string })
    expect(helm.told()).toEqual([expect.stringMatching(/^uninstall notes --namespace ours /)])
    expect(await records().list()).toEqual([])
  })

  it('that fail are named, and nothing is forgotten', async () => {
    const docker = program('docker', 3)
    await record({ target: 'compose', output: join(desk.cwd, 'out') })
    const { code, stderr } = await sotto(['stop', 'notes', '--yes'], { env: docker.env })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/docker failed.*\[DEPLOY_TARGET\]\n +found: +exit code 3/)])
    expect(docker.told()[0]).toContain(`-f ${join(desk.cwd, 'out', 'compose.yaml')}`)
    expect((await records().get('notes')).target).toBe('compose')
  })

  it('that are not here are named, with what to install', async () => {
    await record({ target: 'kubernetes', namespace: 'ours', output: join(desk.cwd, 'out') })
    const { code, stderr } = await sotto(['stop', 'notes', '--yes'], { env: { PATH: '/nowhere' } })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/helm is not on this machine.*\nhint: install Helm/)])
  })
})

describe('sotto deploy --dry-run', () => {
  const tree = (): string[] =>
    readdirSync(desk.cwd, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return `${path} ${statSync(path).mtimeMs}`
      })
      .sort()

  beforeEach(() => {
    put('app/server.mjs', 'serve()')
    put('key', SECRET)
    chmodSync(join(desk.cwd, 'key'), 0o600)
    put(
      'sotto.yaml',
      'name: notes\nmodels: [sotto-tiny-story-en]\napp:\n  code: ./app\n  command: node server.mjs\n  secrets: {KEY: {file: ./key}}\n',
    )
  })

  it('says what would be deployed here, writes nothing, and shows no secret', async () => {
    const before = tree()
    for (const argv of [[], ['--json']]) {
      const { code, stdout, stderr } = await sotto(['deploy', '--dry-run', ...argv])
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/[0-9a-f]{64}/)
      expect(stdout + stderr).not.toContain(SECRET)
    }
    expect(tree()).toEqual(before)
  })

  it('has the same digest each time once a deployment is kept here, and another one for another secret', async () => {
    put('.sotto/keys/deployments', 'a secret of this folder\n')
    const digest = async (): Promise<string> =>
      (JSON.parse((await sotto(['deploy', '--dry-run', '--json'])).stdout) as { digest: string }).digest
    const first = await digest()
    expect(await digest()).toBe(first)
    writeFileSync(join(desk.cwd, 'key'), `${SECRET}!`)
    expect(await digest()).not.toBe(first)
    writeFileSync(join(desk.cwd, 'key'), SECRET)
    expect(await digest()).toBe(first)
    put('.sotto/keys/deployments', 'another secret\n')
    // Whoever knows the secret, and not this folder's, learns nothing from the digest.
    expect(await digest()).not.toBe(first)
  })

  it('of a cluster writes nothing either', async () => {
    put('sotto.yaml', `name: notes\ncluster: ${JSON.stringify(CLUSTER)}\n`)
    const before = tree()
    const { code, stdout, stderr } = await sotto(['deploy', '--dry-run', '--target', 'kubernetes'])
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('nothing was written')
    expect(tree()).toEqual(before)
  })

  it.each<[string[], string]>([
    [['--target', 'kubernetes', '--undo'], '--undo is for the target local'],
    [['--target', 'aci', '--foreground'], '--foreground is for the target local'],
    [['--apply'], '--apply is for the target compose, kubernetes or aci'],
    [['-o', 'out'], '--output is for the target compose'],
    [['--undo'], 'nothing was deployed here before'],
    [['--restart'], 'no deployment runs here'],
    [['--snapshot', '../../etc'], 'no deployment "../../etc" is kept here'],
  ])('with %j is refused', async (argv, why) => {
    const before = tree()
    const { code, stderr } = await sotto(['deploy', '--dry-run', ...argv])
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
    expect(tree()).toEqual(before)
  })
})

describe('sotto deploy', () => {
  it('leaves the stack of sotto up alone, and the name of another folder', async () => {
    running()
    const note = JSON.parse(readFileSync(join(desk.cwd, '.sotto', 'stack.json'), 'utf8')) as Partial<RunningStack>
    delete note.deployment
    put('.sotto/stack.json', JSON.stringify(note))
    put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    expect(await sotto(['deploy'])).toMatchObject({ code: 2, stderr: expect.stringContaining('the stack of sotto up runs here') as string })
    await record({ folder: '/elsewhere' })
    expect(await sotto(['deploy'])).toMatchObject({ code: 2, stderr: expect.stringContaining('DEPLOY_NAME') as string })
    await vi.waitFor(() => expect(isRunning(identity)).toBe(true))
  })

  it('says that a deployment that runs already is unchanged, and starts nothing', async () => {
    put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    put('.sotto/keys/deployments', 'secret\n')
    const { digest } = JSON.parse((await sotto(['deploy', '--dry-run', '--json'])).stdout) as { digest: string }
    running({ deployment: { name: 'notes', digest, replicas: 1 } })
    put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    expect(JSON.parse((await sotto(['deploy', '--json'])).stdout)).toMatchObject({ isUnchanged: true, supervisor: identity.pid })
  })

  it('takes nothing away for a deployment that is not there, or has expired', async () => {
    running()
    for (const [text, why] of [
      ['name: notes\nmodels: [no-such-model]\n', 'MODEL_INVALID'],
      ['name: notes\nexpires: 2020-01-01\n', 'DEPLOY_EXPIRED'],
      ['name: notes\napp: {code: ./none, command: x}\n', 'DEPLOY_APP'],
      ['name: Notes\n', 'DEPLOY_FILE'],
    ] as const) {
      put('sotto.yaml', text)
      expect(await sotto(['deploy'])).toMatchObject({ code: 2, stderr: expect.stringContaining(why) as string })
      expect(isRunning(identity)).toBe(true)
    }
  })
})
