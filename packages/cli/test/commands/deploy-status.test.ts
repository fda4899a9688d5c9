import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDeploymentDesk, type DeploymentDesk, DIGEST } from './deployment-desk.ts'

const SECRET = 'hunter2-hunter2'

let desk: DeploymentDesk
beforeEach(async () => {
  desk = await createDeploymentDesk()
})
afterEach(() => desk.clear())

describe('sotto status', () => {
  it('says what runs, by folder, file and name, and verifies it', async () => {
    desk.running()
    await desk.record()
    for (const argv of [
      ['status'],
      ['status', '-f', 'sotto.yaml'],
      ['status', '-f', '.'],
      ['status', 'notes'],
    ]) {
      const { code, stdout } = await desk.sotto(argv)
      expect(code).toBe(0)
      expect(stdout).toContain(`notes in ${desk.cwd}\n  deployment ${DIGEST}\n`)
      expect(stdout).toMatch(/verified {3}yes/)
    }
    const json = JSON.parse((await desk.sotto(['status', '--json'])).stdout) as object
    expect(json).toMatchObject({ ok: true, trouble: null, isExpired: false, history: [] })
  })

  it('says what has ended, also where nobody is left to verify, and exits 1', async () => {
    desk.running({}, ['relay'])
    desk.service.knobs.outer = () => {
      throw new TypeError('fetch failed')
    }
    const { code, stdout, stderr } = await desk.sotto(['status'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/relay .* ended: killed by SIGKILL/)
    expect(stdout).toMatch(/verified {3}NO/)
    expect(stderr).toContain('warning: relay (process 903) ended at')
    // Where all of it seems to run, that it cannot be verified is the error; what is there is said all the same.
    desk.running()
    const silent = await desk.sotto(['status'])
    expect([silent.code, silent.stderr]).toEqual([6, expect.stringContaining('BUNDLE_UNREACHABLE')])
    expect(silent.stdout).toMatch(/relay .* process 903\n[^]*verified {3}NO: it does not answer/)
    const json = await desk.sotto(['status', '--json'])
    expect([json.code, JSON.parse(json.stdout)]).toEqual([6, expect.objectContaining({ ok: false })])
  })

  it('says that it has expired', async () => {
    desk.running({ deployment: { name: 'notes', digest: DIGEST, replicas: 1, expiresAt: 1_700_000_000 } })
    expect((await desk.sotto(['status'])).stdout).toContain(
      'expires    2023-11-14T22:13:20.000Z: over, it serves nobody',
    )
  })

  it('is refused where nothing runs, and by its name for what a cluster runs', async () => {
    desk.running({ supervisorStarted: 'an earlier boot/1' })
    expect(await desk.sotto(['status'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('STACK_NOT_RUNNING') as string,
    })
    rmSync(join(desk.cwd, '.sotto'), { recursive: true })
    await desk.record({ target: 'kubernetes', output: join(desk.cwd, 'out') })
    for (const command of ['status', 'logs'])
      expect(await desk.sotto([command, 'notes'])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/notes is for kubernetes.*\[DEPLOY_TARGET\]\nhint: kubectl/) as string,
      })
    expect(await desk.sotto(['status', 'none'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DEPLOY_UNKNOWN') as string,
    })
    expect(await desk.sotto(['status', 'notes', '-f', '.'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CLI_USAGE') as string,
    })
  })

  it('is refused in a folder that has nothing', async () => {
    expect(await desk.sotto(['status'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot read .*sotto\.yaml.*\nhint: sotto init/) as string,
    })
  })
})

describe('sotto ls', () => {
  it('lists all of a user, with what can be seen of them', async () => {
    expect((await desk.sotto(['ls'])).stdout).toBe('no deployments; sotto init begins one\n')
    desk.running()
    await desk.record()
    await desk.record({ name: 'far', target: 'aci', folder: '/elsewhere' })
    await desk.record({ name: 'gone', folder: '/nowhere' })
    const list = async (): Promise<string[]> =>
      (JSON.parse((await desk.sotto(['ls', '--json'])).stdout) as { name: string; state: string }[]).map(
        ({ name, state }) => `${name} ${state}`,
      )
    expect(await list()).toEqual(['far rendered', 'gone stopped', 'notes running'])
    desk.running({}, ['kms'])
    expect(await list()).toContain('notes damaged')
    desk.running()
    await desk.record({ expiresAt: 1_700_000_000 })
    expect(await list()).toContain('notes expired')
    expect((await desk.sotto(['ls'])).stdout).toMatch(/^notes +local +expired +https:\/\/relay\.example +\//m)
  })
})

describe('sotto logs', () => {
  const event = (fields: object): string =>
    `${JSON.stringify({ time: '2026-11-29T08:00:00.000Z', role: 'kms', event: 'started', ...fields })}\n`

  it('shows events, leaves out and counts what is none, in both forms', async () => {
    desk.running()
    desk.put(
      '.sotto/run/kms.log',
      event({ address: 'http://127.0.0.1:1', count: 3 }) +
        `${SECRET}\n` +
        event({ word: SECRET.toUpperCase() + ' ' }),
    )
    desk.put(
      '.sotto/run/inference.log',
      'error: inference: CONFIG_INVALID: config.x (found Once upon)\nhint: upon\n',
    )
    desk.put('.sotto/run/up.log', event({ event: 'of-the-command' }))
    const { code, stdout, stderr } = await desk.sotto(['logs'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      '  inference     failed  code=CONFIG_INVALID\n' +
        '2026-11-29T08:00:00.000Z  kms           started  address=http://127.0.0.1:1  count=3\n',
    )
    expect(stderr).toBe('3 lines are no events, and not shown\n')
    expect((await desk.sotto(['logs', '--role', 'kms', '-n', '2'])).stderr).toBe(
      '2 lines are no events, and not shown\n',
    )
    expect((await desk.sotto(['logs', '--role', 'kms', '-n', '1', '--json'])).stderr).toBe(
      '1 line is no event, and not shown\n',
    )
    const json = await desk.sotto(['logs', '--role', 'inference', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({
      time: '',
      role: 'inference',
      event: 'failed',
      code: 'CONFIG_INVALID',
    })
  })

  it('names a role that logged nothing, and a folder in which nobody did', async () => {
    desk.running()
    desk.put('.sotto/run/kms.log', event({}))
    expect(await desk.sotto(['logs', '--role', 'kms', '--role', 'kmz'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/no role "kmz" logged anything.*\nhint: sotto status/) as string,
    })
    expect(await desk.sotto(['logs', '--role', '../run/kms'])).toMatchObject({ code: 2 })
    rmSync(join(desk.cwd, '.sotto', 'run', 'kms.log'))
    expect(await desk.sotto(['logs'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing was logged') as string,
    })
  })

  it('follows until it is interrupted, and then says what it left out', async () => {
    desk.running()
    desk.put('.sotto/run/kms.log', event({}))
    const abort = new AbortController()
    const written = join(desk.cwd, '.sotto', 'run', 'kms.log')
    const run = desk.sotto(['logs', '--follow'], { signal: abort.signal })
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
