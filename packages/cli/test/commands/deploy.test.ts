import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CLUSTER } from '../deploy/documents.ts'
import { isRunning } from '../../src/process/index.ts'
import type { RunningStack } from '../../src/stack/running.ts'
import { createDeploymentDesk, type DeploymentDesk, DIGEST } from './deployment-desk.ts'

const SECRET = 'hunter2-hunter2'

let desk: DeploymentDesk
beforeEach(async () => {
  desk = await createDeploymentDesk()
})
afterEach(() => desk.clear())

describe('sotto stop', () => {
  it('ends what runs, whatever its file has become, and keeps its state', async () => {
    desk.running()
    desk.put('sotto.yaml', '{ broken')
    await desk.record()
    expect(await desk.sotto(['stop'])).toMatchObject({
      code: 0,
      stdout: 'stopped log, kms, inference, relay\n',
    })
    expect(isRunning(desk.supervisor)).toBe(false)
    expect(readdirSync(join(desk.cwd, '.sotto'))).toContain('run')
    expect((await desk.records.find('notes', 'local'))?.digest).toBe(DIGEST)
    expect(await desk.sotto(['stop'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('STACK_NOT_RUNNING') as string,
    })
  })

  it('destroys with --delete, after a question', async () => {
    desk.running()
    await desk.record()
    desk.put('.sotto/keys/owner', 'x')
    expect(await desk.sotto(['stop', '--delete'])).toMatchObject({ code: 2 })
    expect(
      await desk.sotto(['stop', '--delete'], { stdinTerminal: true, stderrTerminal: true, stdin: ['no\n'] }),
    ).toMatchObject({ code: 130 })
    expect(isRunning(desk.supervisor)).toBe(true)
    expect(await desk.sotto(['stop', 'notes', '--delete', '--yes'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('destroyed ') as string,
    })
    expect([isRunning(desk.supervisor), existsSync(join(desk.cwd, '.sotto'))]).toEqual([false, false])
    expect(await desk.records.list()).toEqual([])
    expect(existsSync(join(desk.cwd, 'sotto.yaml'))).toBe(true)
  })

  it('forgets a deployment whose folder is gone', async () => {
    await desk.record({ folder: join(desk.cwd, 'gone') })
    expect(await desk.sotto(['stop', 'notes', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(await desk.records.list()).toEqual([])
  })

  it('ends what runs here before it takes away what a cluster runs', async () => {
    desk.running()
    await desk.record({ target: 'compose', output: join(desk.cwd, 'out') })
    expect(await desk.sotto(['stop', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(isRunning(desk.supervisor)).toBe(false)
    expect(await desk.records.find('notes', 'compose')).toBeDefined()
  })

  it('with --delete keeps what was rendered for clusters, and what an operator put there', async () => {
    desk.running()
    await desk.record()
    desk.put('.sotto/keys/owner', 'x')
    const kept = ['compose/compose.yaml', 'kubernetes/values.yaml', 'aci/secrets/kms.parameters.json']
    for (const file of kept) desk.put(`.sotto/${file}`, 'mine')
    expect(await desk.sotto(['stop', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(readdirSync(join(desk.cwd, '.sotto')).sort()).toEqual(['aci', 'compose', 'kubernetes'])
    for (const file of kept) expect(readFileSync(join(desk.cwd, '.sotto', file), 'utf8')).toBe('mine')
    expect(await desk.records.list()).toEqual([])
  })

  it('with --delete is refused of what is in a cluster alone, and nothing is touched', async () => {
    desk.put('sotto.yaml', 'name: notes\n')
    desk.put('.sotto/kubernetes/values.yaml', 'mine')
    await desk.record({ target: 'kubernetes', output: join(desk.cwd, '.sotto', 'kubernetes') })
    for (const words of [[], ['notes'], ['--target', 'kubernetes']]) {
      const { code, stderr } = await desk.sotto(['stop', '--delete', '--yes', ...words])
      expect([code, stderr]).toEqual([2, expect.stringContaining('notes is in kubernetes')])
    }
    expect(existsSync(join(desk.cwd, '.sotto', 'kubernetes', 'values.yaml'))).toBe(true)
    expect(await desk.records.list()).toHaveLength(1)
  })

  it('with --delete destroys what is here of a deployment that is in a cluster too', async () => {
    desk.put('sotto.yaml', 'name: notes\n')
    desk.put('.sotto/keys/owner', 'x')
    await desk.record()
    await desk.record({ target: 'kubernetes', output: join(desk.cwd, 'out') })
    expect(await desk.sotto(['stop', '--delete', '--yes'])).toMatchObject({ code: 0 })
    expect(existsSync(join(desk.cwd, '.sotto'))).toBe(false)
    expect((await desk.records.list()).map(({ target }) => target)).toEqual(['kubernetes'])
  })
})

it('a file that says nothing about a cluster is refused there, and nothing is written', async () => {
  desk.put('app/server.mjs', '// an app')
  desk.put('sotto.yaml', 'name: notes\napp: {code: ./app, command: [node, server.mjs]}\n')
  const { code, stderr } = await desk.sotto(['deploy', '--target', 'kubernetes'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('says nothing about a cluster')])
  expect(existsSync(join(desk.cwd, '.sotto'))).toBe(false)
})

describe('a deployment that is at several places', () => {
  it('is said with each of them', async () => {
    desk.running()
    await desk.record()
    const applied = { at: 1, output: join(desk.cwd, 'out'), roles: ['log'] }
    await desk.record({ target: 'compose', output: join(desk.cwd, 'out'), applied })
    await desk.record({ target: 'aci', output: join(desk.cwd, 'other') })
    const { stdout } = await desk.sotto(['ls'])
    expect(stdout.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'notes local running',
      'notes compose applied',
      'notes aci rendered',
      '',
    ])
    const status = await desk.sotto(['status', 'notes'])
    expect(status.stdout).toContain('elsewhere  notes in compose (applied), notes in aci (rendered)')
  })

  it('and not here is looked at elsewhere', async () => {
    desk.put('sotto.yaml', 'name: notes\n')
    for (const target of ['compose', 'kubernetes'] as const)
      await desk.record({ target, output: join(desk.cwd, 'out') })
    for (const command of ['status', 'logs']) {
      const { code, stderr } = await desk.sotto([command])
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(
          /notes is for compose and kubernetes, .*\n.*docker compose ps.*kubectl get pods/,
        ),
      ])
    }
  })
})

describe('programs of clusters', () => {
  /** A program that notes what it is told, and ends like this. */
  function program(name: string, exit = 0): { env: Record<string, string>; told(): string[] } {
    const told = join(desk.cwd, `${name}.told`)
    desk.put(`bin/${name}`, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${told}'\nexit ${exit}\n`)
    chmodSync(join(desk.cwd, 'bin', name), 0o755)
    return {
      env: { PATH: `${join(desk.cwd, 'bin')}:/usr/bin:/bin` },
      told: () => (existsSync(told) ? readFileSync(told, 'utf8').trimEnd().split('\n') : []),
    }
  }

  it('take away what they brought, after a question, and then it is forgotten', async () => {
    desk.put('sotto.yaml', 'name: notes\n')
    const helm = program('helm')
    await desk.record({ target: 'kubernetes', namespace: 'ours', output: join(desk.cwd, 'out') })
    expect(await desk.sotto(['stop'], { env: helm.env })).toMatchObject({ code: 2 })
    expect(helm.told()).toEqual([])
    expect(await desk.sotto(['stop', '--yes'], { env: helm.env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('volumes are still there') as string,
    })
    expect(helm.told()).toEqual([expect.stringMatching(/^uninstall notes --namespace ours /)])
    expect(await desk.records.list()).toEqual([])
  })

  it('are asked about what was handed over, whatever was rendered after it', async () => {
    desk.put('sotto.yaml', 'name: notes\n')
    const [helm, docker] = [program('helm'), program('docker')]
    const applied = { at: 1, output: join(desk.cwd, 'out'), namespace: 'ours', roles: ['log', 'kms'] }
    await desk.record({ target: 'kubernetes', namespace: 'other', output: join(desk.cwd, 'new'), applied })
    await desk.record({ target: 'compose', output: join(desk.cwd, 'composed') })
    const { code, stderr } = await desk.sotto(['stop', '--yes'], { env: helm.env })
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('notes in compose (rendered), notes in kubernetes (applied)'),
    ])
    expect(await desk.sotto(['stop', '--yes', '--target', 'aci'], { env: helm.env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DEPLOY_UNKNOWN') as string,
    })
    expect([...helm.told(), ...docker.told()]).toEqual([])
    expect(await desk.sotto(['stop', '--yes', '--target', 'kubernetes'], { env: helm.env })).toMatchObject({
      code: 0,
    })
    expect(helm.told()).toEqual([expect.stringMatching(/^uninstall notes --namespace ours /)])
    expect((await desk.records.list()).map(({ target }) => target)).toEqual(['compose'])
    expect(await desk.sotto(['stop', '--yes'], { env: docker.env })).toMatchObject({ code: 0 })
    expect(docker.told()).toEqual([expect.stringContaining(join(desk.cwd, 'composed', 'compose.yaml'))])
  })

  it('that fail are named, and nothing is forgotten', async () => {
    const docker = program('docker', 3)
    await desk.record({ target: 'compose', output: join(desk.cwd, 'out') })
    const { code, stderr } = await desk.sotto(['stop', 'notes', '--yes'], { env: docker.env })
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/docker failed.*\[DEPLOY_TARGET\]\n +found: +exit code 3\nhint: .*stop it again/),
    ])
    expect(docker.told()[0]).toContain(`-f ${join(desk.cwd, 'out', 'compose.yaml')}`)
    expect(await desk.records.find('notes', 'compose')).toBeDefined()
  })

  it('that are not here are named, with what to install', async () => {
    await desk.record({ target: 'kubernetes', namespace: 'ours', output: join(desk.cwd, 'out') })
    const { code, stderr } = await desk.sotto(['stop', 'notes', '--yes'], { env: { PATH: '/nowhere' } })
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /helm is not on this machine.*\nhint: install Helm.*, or take it away where it is/,
      ),
    ])
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
    desk.put('app/server.mjs', 'serve()')
    desk.put('key', SECRET)
    chmodSync(join(desk.cwd, 'key'), 0o600)
    desk.put(
      'sotto.yaml',
      'name: notes\nmodels: [sotto-tiny-story-en]\napp:\n  code: ./app\n  command: node server.mjs\n  secrets: {KEY: {file: ./key}}\n',
    )
  })

  it('says what would be deployed here, writes nothing, and shows no secret', async () => {
    const before = tree()
    for (const argv of [[], ['--json']]) {
      const { code, stdout, stderr } = await desk.sotto(['deploy', '--dry-run', ...argv])
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/[0-9a-f]{64}/)
      expect(stdout + stderr).not.toContain(SECRET)
    }
    expect(tree()).toEqual(before)
  })

  it('has the same digest each time once a deployment is kept here, and another one for another secret', async () => {
    desk.put('.sotto/keys/deployments', 'a secret of this folder\n')
    const digest = async (): Promise<string> =>
      (JSON.parse((await desk.sotto(['deploy', '--dry-run', '--json'])).stdout) as { digest: string }).digest
    const first = await digest()
    expect(await digest()).toBe(first)
    writeFileSync(join(desk.cwd, 'key'), `${SECRET}!`)
    expect(await digest()).not.toBe(first)
    writeFileSync(join(desk.cwd, 'key'), SECRET)
    expect(await digest()).toBe(first)
    desk.put('.sotto/keys/deployments', 'another secret\n')
    // Whoever knows the secret, and not this folder's, learns nothing from the digest.
    expect(await digest()).not.toBe(first)
  })

  it('of a cluster writes nothing either', async () => {
    desk.put('sotto.yaml', `name: notes\ncluster: ${JSON.stringify(CLUSTER)}\n`)
    const before = tree()
    const { code, stdout, stderr } = await desk.sotto(['deploy', '--dry-run', '--target', 'kubernetes'])
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
    const { code, stderr } = await desk.sotto(['deploy', '--dry-run', ...argv])
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
    expect(tree()).toEqual(before)
  })
})

describe('sotto deploy', () => {
  it('leaves the stack of sotto up alone, and the name of another folder', async () => {
    desk.running()
    const note = JSON.parse(
      readFileSync(join(desk.cwd, '.sotto', 'stack.json'), 'utf8'),
    ) as Partial<RunningStack>
    delete note.deployment
    desk.put('.sotto/stack.json', JSON.stringify(note))
    desk.put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    expect(await desk.sotto(['deploy'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the stack of sotto up runs here') as string,
    })
    await desk.record({ folder: '/elsewhere' })
    expect(await desk.sotto(['deploy'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DEPLOY_NAME') as string,
    })
    expect(isRunning(desk.supervisor)).toBe(true)
  })

  it('says that a deployment that runs already is unchanged, and starts nothing', async () => {
    desk.put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    desk.put('.sotto/keys/deployments', 'secret\n')
    const { digest } = JSON.parse((await desk.sotto(['deploy', '--dry-run', '--json'])).stdout) as {
      digest: string
    }
    desk.running({ deployment: { name: 'notes', digest, replicas: 1 } })
    desk.put('sotto.yaml', 'name: notes\nmodels: [sotto-tiny-story-en]\n')
    expect(JSON.parse((await desk.sotto(['deploy', '--json'])).stdout)).toMatchObject({
      isUnchanged: true,
      supervisor: desk.supervisor.pid,
    })
  })

  it('takes nothing away for a deployment that is not there, or has expired', async () => {
    desk.running()
    for (const [text, why] of [
      ['name: notes\nmodels: [no-such-model]\n', 'MODEL_INVALID'],
      ['name: notes\nexpires: 2020-01-01\n', 'DEPLOY_EXPIRED'],
      ['name: notes\napp: {code: ./none, command: x}\n', 'DEPLOY_APP'],
      ['name: Notes\n', 'DEPLOY_FILE'],
    ] as const) {
      desk.put('sotto.yaml', text)
      expect(await desk.sotto(['deploy'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(why) as string,
      })
      expect(isRunning(desk.supervisor)).toBe(true)
    }
  })
})
