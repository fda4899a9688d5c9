import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWorld } from '@sotto/testkit'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { renderCompose } from '../../../src/deploy/cluster/compose.ts'
import { type ClusterPlan, planCluster } from '../../../src/deploy/cluster/plan.ts'
import { writeRendered } from '../../../src/deploy/cluster/rendered.ts'
import { parseDeploymentFile } from '../../../src/deploy/file/index.ts'
import { imageRecipe } from '../../../src/oci/index.ts'
import { localDataUse } from '../../../src/stack/documents.ts'
import { CLUSTER } from '../documents.ts'

const ADDRESSES = {
  log: 'http://edge.example:8081',
  registry: 'http://edge.example:8082',
  relay: 'http://edge.example:8080',
  kms: 'http://kms.example',
  inference: 'https://enclave.example',
}

interface Service {
  image: string
  command?: string[]
  entrypoint?: string[]
  user: string
  cap_drop: string[]
  cap_add?: string[]
  read_only: boolean
  security_opt: string[]
  profiles: string[]
  labels?: Record<string, string>
  networks?: string[]
  network_mode?: string
  ports?: string[]
  volumes: { type: string; source: string; target: string; read_only?: boolean }[]
  env_file?: { path: string; required: boolean }[]
  depends_on?: Record<string, { condition: string }>
}
interface Compose {
  name: string
  services: Record<string, Service>
  networks: Record<string, object>
  volumes: Record<string, object>
}

let policy: TrustPolicy
beforeAll(async () => {
  policy = parseTrustPolicy((await createWorld()).policy)
})

function plan(change: object = {}, lines: string[] = []): ClusterPlan {
  const cluster = { ...CLUSTER, addresses: ADDRESSES, ...change }
  const file = parseDeploymentFile(
    ['name: notes', ...lines, `cluster: ${JSON.stringify(cluster)}`].join('\n'),
    '/notes/sotto.yaml',
  )
  return planCluster({
    file,
    policy,
    dataUse: localDataUse(undefined),
    app: undefined,
    reach: (role) => file.cluster!.addresses[role] ?? `http://${role}`,
  })
}
const render = (...of: Parameters<typeof plan>): Compose => {
  const { text } = renderCompose(plan(...of))[0]!
  expect(text).not.toMatch(/[&*]\w+/)
  return parse(text) as Compose
}

describe('a compose file', () => {
  it('is the same bytes each time, with the very bytes of every configuration', () => {
    const files = renderCompose(plan())
    expect(renderCompose(plan())).toEqual(files)
    for (const { name, config } of plan().roles)
      expect(files.find(({ path }) => path === `config/${name}.json`)?.text).toBe(config)
  })

  it('names nothing that it does not define', () => {
    const { services, networks, volumes } = render({ secrets: { postgres: 'x' } })
    const used = { networks: new Set<string>(), volumes: new Set<string>() }
    for (const service of Object.values(services)) {
      for (const network of service.networks ?? []) used.networks.add(network)
      for (const { type, source } of service.volumes) if (type === 'volume') used.volumes.add(source)
      for (const other of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(other)
    }
    expect([...used.networks].sort()).toEqual(Object.keys(networks).sort())
    expect([...used.volumes].sort()).toEqual(Object.keys(volumes).sort())
  })

  it('gives no service more than it needs: images by digest, a file system that is not written, no capability', () => {
    for (const [name, service] of Object.entries(render().services)) {
      expect(service.image).toMatch(/@sha256:[0-9a-f]{64}$/)
      expect([service.read_only, service.cap_drop]).toEqual([true, ['ALL']])
      expect(service.security_opt).toContain('no-new-privileges:true')
      expect(service).not.toHaveProperty('privileged')
      expect(service).not.toHaveProperty('environment')
      const isRoot = service.user === '0:0'
      expect(isRoot, name).toBe(['kms', 'inference'].includes(name) || name.endsWith('-volume'))
      if (name.endsWith('-volume'))
        expect([service.cap_add, service.network_mode]).toEqual([['CHOWN'], 'none'])
      else expect(service.cap_add === undefined).toBe(name !== 'inference')
      for (const { type, source } of service.volumes.filter((one) => one.type === 'bind'))
        expect(source, type).toMatch(/^(?:\.\/|\/sys\/kernel\/config$)/)
    }
  })

  it('starts each role as its image does', () => {
    const { services } = render()
    for (const name of ['kms', 'inference'] as const) {
      const { config } = imageRecipe(name, '/dist')
      expect(config.Entrypoint!.slice(-3)).toEqual(['role.js', '--config', '/etc/sotto/config.json'])
      expect(services[name]!.command).toBeUndefined()
      expect(services[name]!.entrypoint).toBeUndefined()
    }
    const { config, product } = imageRecipe('edge', '/dist')
    expect(product).toContainEqual({ to: config.WorkingDir, from: '/dist/edge' })
    for (const name of ['log', 'registry', 'relay'])
      expect(services[name]!.command).toEqual([`${name}.js`, '--config', '/etc/sotto/config.json'])
    for (const [name, service] of Object.entries(services))
      if (!name.endsWith('-volume'))
        expect(service.volumes[0]).toEqual({
          type: 'bind',
          source: `./config/${name}.json`,
          target: '/etc/sotto/config.json',
          read_only: true,
        })
  })

  it('gives untrusted roles their volumes, and starts none before', () => {
    const { services } = render()
    for (const name of ['log', 'registry']) {
      const helper = services[`${name}-volume`]!
      expect(services[name]!.depends_on).toEqual({
        [`${name}-volume`]: { condition: 'service_completed_successfully' },
      })
      expect(helper.entrypoint).toEqual(['/bin/chown', services[name]!.user, '/var/lib/sotto'])
      expect(helper.profiles).toEqual(services[name]!.profiles)
    }
  })

  it('is another one for each role whose configuration is another: what is mounted is no part of a service', () => {
    const [before, after] = [plan(), plan({}, ['resources: {replicas: 1}', 'expires: 2030-01-01'])]
    const labelsOf = (of: ClusterPlan): Record<string, string | undefined> => {
      const { services } = parse(renderCompose(of)[0]!.text) as Compose
      return Object.fromEntries(of.roles.map(({ name }) => [name, services[name]!.labels?.['sotto.config']]))
    }
    for (const of of [before, after])
      expect(labelsOf(of)).toEqual(Object.fromEntries(of.roles.map((role) => [role.name, role.configDigest])))
    const changed = Object.keys(labelsOf(before)).filter(
      (name) => labelsOf(before)[name] !== labelsOf(after)[name],
    )
    expect(changed).toEqual(['inference'])
  })

  it('has a machine for each measured role, and ports where addresses say', () => {
    const { services } = render()
    const of = (profile: string): string[] =>
      Object.keys(services).filter(
        (name) => services[name]!.profiles.includes(profile) && !name.endsWith('-volume'),
      )
    expect([of('edge'), of('kms'), of('enclave')]).toEqual([
      ['log', 'registry', 'relay'],
      ['kms'],
      ['inference'],
    ])
    const ports = Object.entries(services).flatMap(([name, service]) =>
      (service.ports ?? []).map((port) => `${name} ${port}`),
    )
    expect(ports).toEqual([
      'log 8081:8080',
      'kms 80:8080',
      'registry 8082:8080',
      'inference 443:8080',
      'relay 8080:8080',
    ])
  })

  it('has secrets by the names of their files alone', () => {
    const { services } = render({ secrets: { postgres: 'x' } })
    expect(services['kms']!.env_file).toEqual([
      { path: './secrets/appendToken.env', required: true },
      { path: './secrets/postgres.env', required: true },
    ])
    expect(services['relay']!.env_file).toBeUndefined()
    expect(services['inference']!.env_file).toBeUndefined()
  })

  it.each<[string, Parameters<typeof plan>, RegExp]>([
    ['several enclaves on one machine', [{}, ['resources: {replicas: 2}']], /replicas of inference/],
    ['several KMSes on one machine', [{ kmsReplicas: 2, secrets: { postgres: 'x' } }], /replicas of kms/],
    [
      'two roles at one port',
      [{ addresses: { ...ADDRESSES, registry: 'http://other.example:8081' } }],
      /log and registry have one port/,
    ],
  ])('is not made of %s', (_what, of, why) => {
    const planned = plan(...of)
    expect(() => renderCompose(planned)).toThrowError(
      expect.objectContaining({
        code: 'DEPLOY_FILE',
        message: expect.stringMatching(why) as string,
      }) as Error,
    )
  })
})

describe('rendered files', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'sotto-rendered-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }

  it('written again are the same, complete what was half there, and leave what is the operator’s', async () => {
    const out = join(folder(), 'deep', 'out')
    const files = renderCompose(plan())
    await writeRendered(out, files)
    const before = readdirSync(out, { recursive: true }).sort()
    writeFileSync(join(out, 'config', 'kms.json'), '{"half')
    rmSync(join(out, 'compose.yaml'))
    mkdirSync(join(out, 'secrets'))
    writeFileSync(join(out, 'secrets', 'appendToken.env'), 'x', { mode: 0o600 })
    for (const { path } of files.filter((one) => one.isSeed)) writeFileSync(join(out, path), 'mine')
    await writeRendered(out, files)
    for (const { path, text, isSeed } of files) {
      expect(readFileSync(join(out, path), 'utf8')).toBe(isSeed ? 'mine' : text)
      expect(statSync(join(out, path)).mode & 0o777).toBe(0o644)
    }
    expect(readFileSync(join(out, 'secrets', 'appendToken.env'), 'utf8')).toBe('x')
    expect(readdirSync(out, { recursive: true }).sort()).toEqual(
      [...before, 'secrets', 'secrets/appendToken.env'].sort(),
    )
  })

  it('that cannot be written are named', async () => {
    const out = folder()
    writeFileSync(join(out, 'config'), 'a file')
    await expect(writeRendered(out, renderCompose(plan()))).rejects.toThrow(
      expect.objectContaining({
        code: 'CLI_FILE',
        message: `cannot write ${join(out, 'config', 'log.json')}`,
      }) as Error,
    )
  })
})
