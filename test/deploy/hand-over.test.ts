import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerKeyPem } from '@sotto/client/models'
import { crypto } from '@sotto/protocol/crypto-backend'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { openRecords } from '../../packages/cli/src/deploy/record/records.ts'
import { startTestStack, type TestStack, urlOf } from '../stack/support.ts'
import { POLICY } from './chart/values.ts'
import { type ClusterDesk, openClusterDesk, printedCommands, type WrittenDeployment } from './cluster-desk.ts'

const ADDRESSES = {
  log: 'http://edge.example:8081',
  registry: 'http://edge.example:8082',
  relay: 'http://edge.example:8080',
  kms: 'http://kms.example',
  inference: 'https://enclave.example',
}
const KUBERNETES = ['--target', 'kubernetes']
const APPLY = [...KUBERNETES, '--apply']

let desk: ClusterDesk
beforeEach(() => {
  desk = openClusterDesk({ NOTES_TOKEN: 'hunter2' })
  for (const program of ['helm', 'docker'])
    desk.put(`bin/${program}`, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${desk.folder}/${program}.told'\n`, 0o755)
})
afterEach(() => desk.clear())

const deploy = (deployment: WrittenDeployment): ReturnType<ClusterDesk['deploy']> =>
  desk.deploy({ ...deployment, env: { PATH: `${desk.folder}/bin:/usr/bin:/bin`, ...deployment.env } })
function told(program: string): string[] {
  const file = join(desk.folder, `${program}.told`)
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}
const read = (file: string): string => readFileSync(join(desk.folder, file), 'utf8')
const records = (): ReturnType<typeof openRecords> =>
  openRecords({ cwd: desk.folder, env: { SOTTO_CONFIG_DIR: join(desk.folder, 'config') } })

describe('a deployment that is not whole yet', () => {
  it('is handed over where nothing was there before', async () => {
    await deploy({ words: APPLY })
    expect(told('helm')).toHaveLength(1)
    expect((await records().find('notes', 'kubernetes'))?.applied?.roles).toEqual(['log', 'kms'])
    await deploy({ policy: POLICY, words: APPLY })
    expect(told('helm')).toHaveLength(2)
  })

  it.each([
    ['handed over', APPLY, []],
    ['handed over from another folder', [...APPLY, '-o', 'elsewhere'], []],
    ['rendered', KUBERNETES, []],
    ['rendered in a named folder', [...KUBERNETES, '-o', 'out'], ['-o', 'out']],
  ] as const)('takes nothing away of a whole one that was %s', async (_how, before, where) => {
    await deploy({ policy: POLICY, words: before })
    const had = told('helm').length
    const values = join(where[1] ?? '.sotto/kubernetes', 'values.yaml')
    const text = existsSync(join(desk.folder, values)) && read(values)
    await expect(deploy({ words: [...APPLY, ...where] })).rejects.toThrow(
      /would take away what was there before: registry, inference, relay[^]*policy in sotto\.yaml/,
    )
    expect(told('helm')).toHaveLength(had)
    if (text !== false) expect(read(values)).toBe(text)
  })

  it('is rendered, and then nobody is told to hand it over', async () => {
    await deploy({ policy: POLICY, words: KUBERNETES })
    const { stderr } = await deploy({ words: KUBERNETES })
    expect(stderr).toContain('do not hand it over: that would take away what was there before')
    expect(printedCommands(stderr)).toEqual([])
  })
})

describe('what was handed over', () => {
  it('is still known when the same is rendered for another target, or elsewhere', async () => {
    await deploy({ policy: POLICY, cluster: { namespace: 'ours' }, words: APPLY })
    const applied = (await records().find('notes', 'kubernetes'))?.applied
    expect(applied).toMatchObject({ namespace: 'ours', output: join(desk.folder, '.sotto', 'kubernetes') })
    await deploy({ policy: POLICY, cluster: { addresses: ADDRESSES }, words: ['--target', 'compose'] })
    await deploy({
      policy: POLICY,
      cluster: { namespace: 'other' },
      words: [...KUBERNETES, '-o', 'elsewhere'],
    })
    expect((await records().list()).map(({ target }) => target)).toEqual(['compose', 'kubernetes'])
    expect(await records().find('notes', 'kubernetes')).toMatchObject({ namespace: 'other', applied })
  })

  it('is not left behind in another namespace', async () => {
    await deploy({ policy: POLICY, cluster: { namespace: 'ours' }, words: APPLY })
    await expect(deploy({ policy: POLICY, cluster: { namespace: 'other' }, words: APPLY })).rejects.toThrow(
      /in another namespace[^]*sotto stop notes --target kubernetes/,
    )
    expect(told('helm')).toHaveLength(1)
  })

  it('is written down before its program ends, for it may be there by half; not where there is no program', async () => {
    const applied = async (): Promise<unknown> => (await records().find('notes', 'kubernetes'))?.applied
    const nowhere = { PATH: '/nowhere' }
    await expect(deploy({ policy: POLICY, words: APPLY, env: nowhere })).rejects.toThrow(/helm is not on/)
    expect(await applied()).toBeUndefined()
    desk.put('bin/helm', '#!/bin/sh\nexit 1\n', 0o755)
    await expect(deploy({ policy: POLICY, words: APPLY })).rejects.toThrow(/helm failed/)
    expect(await applied()).toBeDefined()
  })
})

describe('files of secrets that have to lie beside a compose file', () => {
  it.each([
    [{}, ['SOTTO_LOG_APPEND_TOKEN']],
    [{ secrets: { postgres: 'database' } }, ['SOTTO_LOG_APPEND_TOKEN', 'SOTTO_KMS_DATABASE_URL']],
  ])('are all that are said: %j', async (more, variables) => {
    const { stderr } = await deploy({
      policy: POLICY,
      cluster: { addresses: ADDRESSES, ...more },
      words: ['--target', 'compose', '-o', 'out'],
    })
    const said = [...stderr.matchAll(/^ {2}(secrets\/\w+\.env), mode 0600: (\w+)=…$/gm)]
    expect(said.map(([, , variable]) => variable)).toEqual(variables)
    const { services } = parse(read('out/compose.yaml')) as {
      services: Record<string, { env_file?: { path: string }[] }>
    }
    const named = Object.values(services).flatMap(({ env_file = [] }) => env_file.map(({ path }) => path))
    expect(said.map(([, path]) => `./${path}`).sort()).toEqual([...new Set(named)].sort())
  })
})

describe('the app of what is rendered', () => {
  const app = { code: './app', command: ['node', 'server.mjs'] }
  const apps = (): string[] => readdirSync(join(desk.folder, 'out', 'app')).sort()
  const words = ['--target', 'compose', '-o', 'out']

  it('stays as long as a configuration names it: it goes once another one is written', async () => {
    const deployment = { policy: POLICY, file: { app }, cluster: { addresses: ADDRESSES }, words }
    await deploy(deployment)
    const before = apps()
    expect(before).toHaveLength(1)
    desk.put('app/server.mjs', '// serves other notes')
    const config = read('out/config/inference.json')
    rmSync(join(desk.folder, 'out', 'config'), { recursive: true })
    writeFileSync(join(desk.folder, 'out', 'config'), 'in the way')
    await expect(deploy(deployment)).rejects.toThrow(/cannot write/)
    expect(apps()).toEqual(expect.arrayContaining(before))
    rmSync(join(desk.folder, 'out', 'config'))
    await deploy(deployment)
    expect(apps()).toHaveLength(1)
    expect(apps()).not.toEqual(before)
    expect(read('out/config/inference.json')).not.toBe(config)
  })

  it('stays where only log and KMS are rendered', async () => {
    const cluster = { addresses: ADDRESSES }
    await deploy({ policy: POLICY, file: { app }, cluster, words })
    const before = apps()
    desk.put('app/server.mjs', '// serves other notes')
    await deploy({ file: { app }, cluster, words })
    expect(apps()).toEqual(expect.arrayContaining(before))
  })
})

describe('the KMS and its log', { timeout: 60_000 }, () => {
  let stack: TestStack
  const owner = crypto.ed25519.generate()
  beforeAll(async () => {
    stack = await startTestStack({ models: [], owner: owner.publicKey })
  })
  afterAll(() => stack?.close())

  const sealed = (...words: string[]): ReturnType<ClusterDesk['deploy']> =>
    deploy({
      policy: stack.policy,
      file: {
        app: { code: './app', command: ['node', 'server.mjs'], sealed: true },
      },
      words: [...KUBERNETES, ...words],
    })
  const here = (): string[] => ['--kms', urlOf(stack, 'kms'), '--log', urlOf(stack, 'log')]

  it('are remembered, and a flag goes before what is remembered', async () => {
    desk.put('config/owner.key', ownerKeyPem(owner.seed), 0o600)
    await sealed(...here())
    const first = read('.sotto/kubernetes/config/inference.json')
    await sealed('--apply')
    expect(read('.sotto/kubernetes/config/inference.json')).toBe(first)
    expect(told('helm')).toHaveLength(1)
    await expect(sealed('--kms', 'http://127.0.0.1:9')).rejects.toThrow(/no answer from 127\.0\.0\.1:9/)
    expect(await records().find('notes', 'kubernetes')).toMatchObject({
      kms: urlOf(stack, 'kms'),
      log: urlOf(stack, 'log'),
    })
  })

  it('are asked for where nothing is remembered, and what serves is not taken away', async () => {
    desk.put('config/owner.key', ownerKeyPem(owner.seed), 0o600)
    await sealed(...here(), '--apply')
    rmSync(join(desk.folder, 'config', 'state'), { recursive: true })
    await expect(sealed('--apply')).rejects.toThrow(/would take away[^]*--kms URL --log URL/)
    expect(told('helm')).toHaveLength(1)
  })

  it.each([
    'https://me:hunter2@kms.example',
    'https://kms.example?key=hunter2',
    'kms.example',
    'file:///kms',
  ])('are no %s, of which nothing is written down', async (address) => {
    const refused = sealed('--kms', address, '--log', 'https://log.example')
    await expect(refused).rejects.toThrow(/--kms is no address/)
    await expect(refused).rejects.not.toThrow(/hunter2/)
    expect(await records().list()).toEqual([])
  })
})
