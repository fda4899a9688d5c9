import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrustPolicy } from '@sotto/verifier'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planCluster, ROLE_PORT } from '../../packages/cli/src/deploy/cluster/plan.ts'
import { type DeploymentFile, parseDeploymentFile } from '../../packages/cli/src/deploy/file/index.ts'
import { stackOptionsOf } from '../../packages/cli/src/deploy/local/stack-options.ts'
import { prepareDeployment } from '../../packages/cli/src/deploy/prepare.ts'
import type { AppRole, RoleConfig } from '../../packages/cli/src/roles/index.ts'
import { localDataUse } from '../../packages/cli/src/stack/documents.ts'
import { CLUSTER } from '../../packages/cli/test/deploy/documents.ts'
import { startTestStack, type TestStack } from '../stack/support.ts'
import { decodeConfig } from './decode-config.ts'

describe('the same file on a laptop and in a cluster', { timeout: 120_000 }, () => {
  const SERVER = `import { createServer } from 'node:http'
createServer((_, response) => response.end('{}')).listen(process.env.PORT)
`
  const EXPIRES = 4_070_908_799
  let stack: TestStack
  let folder: string
  let file: DeploymentFile
  let document: object
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sotto-same-'))
    mkdirSync(join(folder, 'app'))
    writeFileSync(join(folder, 'app', 'server.mjs'), SERVER)
    document = {
      name: 'notes',
      models: [],
      app: {
        code: './app',
        command: 'node server.mjs',
        sealed: true,
        env: { LANGUAGE: 'en' },
        secrets: { KEY: { env: 'KEY' } },
      },
      resources: { replicas: 2 },
      expires: '2098-12-31',
    }
    file = parseDeploymentFile(JSON.stringify(document), join(folder, 'sotto.yaml'))
    const surroundings = { env: { KEY: 'hunter2' }, now: 1, secretsKey: new Uint8Array(32) }
    stack = await startTestStack(stackOptionsOf(await prepareDeployment(file, surroundings)))
  })
  afterAll(async () => {
    await stack?.close()
    rmSync(folder, { recursive: true })
  })

  const local = (role: string): RoleConfig =>
    JSON.parse(readFileSync(join(stack.folder, 'config', `${role}.json`), 'utf8')) as RoleConfig

  /** The plan of the same deployment, by the same authorities: those of the stack that runs. */
  function cluster(): Record<string, RoleConfig> {
    const kms = local('kms') as {
      members: { name: string; key: string }[]
      threshold: number
      releaseKeys: string[]
    }
    const log = local('log') as { origin: string; witnesses: { url: string; key: string }[]; quorum: number }
    const logKey = (local('registry') as { log: { key: string } }).log.key
    const inference = local('inference') as { policy: TrustPolicy; app: AppRole }
    const clustered = {
      ...document,
      models: undefined,
      cluster: {
        ...CLUSTER,
        members: Object.fromEntries(kms.members.map(({ name, key }) => [name, key])),
        threshold: kms.threshold,
        releaseKeys: kms.releaseKeys,
        log: { origin: log.origin, key: logKey, witnesses: log.witnesses, quorum: log.quorum },
      },
    }
    const { roles } = planCluster({
      file: parseDeploymentFile(JSON.stringify(clustered), join(folder, 'sotto.yaml')),
      policy: inference.policy,
      dataUse: localDataUse(undefined),
      app: { ...inference.app, directory: '/var/lib/sotto-app' },
      reach: (role) => `http://${role}:${ROLE_PORT}`,
    })
    return Object.fromEntries(roles.map(({ name, config }) => [name, JSON.parse(config) as RoleConfig]))
  }

  /** Where two documents differ, by path. */
  function differences(a: unknown, b: unknown, path = ''): string[] {
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isObject(a) && isObject(b))
      return [...new Set([...Object.keys(a), ...Object.keys(b)])]
        .flatMap((name) => differences(a[name], b[name], path === '' ? name : `${path}.${name}`))
        .sort()
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [path]
  }

  it('is the same configuration of every role, but for addresses, stores and what a software TEE is', () => {
    const there = cluster()
    const ADDRESSES = ['listen.host', 'listen.port']
    const expected: Record<string, string[]> = {
      log: [...ADDRESSES, 'store'],
      // Its name is for people. A KMS in the software TEE admits software workloads (T10), and has no other source of a root.
      kms: [...ADDRESSES, 'log.url', 'metrics', 'name', 'root', 'softwareRoots', 'store'],
      registry: [...ADDRESSES, 'log.url', 'owners', 'store'],
      inference: [
        ...ADDRESSES,
        'app.directory',
        'kms.url',
        'log.url',
        'metrics',
        'models.directory',
        'registry.url',
      ],
      // Two enclaves are two addresses here, and one service there.
      relay: [...ADDRESSES, 'browserOrigins', 'gateways.inference', 'log'],
    }
    expect(Object.keys(there).sort()).toEqual(Object.keys(expected).sort())
    for (const [role, paths] of Object.entries(expected))
      expect(differences(local(role), there[role]), role).toEqual(paths.toSorted())
    // The enclaves of one stack differ in their port.
    expect(differences(local('inference'), local('inference-2'))).toEqual(['listen.port'])
    expect(local('inference')['expiresAt']).toBe(EXPIRES)
  })

  it('is read by the roles, as it is written here and there', () => {
    for (const role of ['log', 'witness', 'kms', 'registry', 'inference', 'inference-2', 'relay'])
      decodeConfig(role, readFileSync(join(stack.folder, 'config', `${role}.json`), 'utf8'))
    for (const [role, config] of Object.entries(cluster())) decodeConfig(role, JSON.stringify(config))
  })

  it('has no secret in any of them', () => {
    for (const role of ['log', 'witness', 'kms', 'registry', 'inference', 'inference-2', 'relay']) {
      const text = readFileSync(join(stack.folder, 'config', `${role}.json`), 'utf8')
      expect(text).not.toContain('hunter2')
      expect(text).not.toContain(readFileSync(join(stack.folder, 'keys', 'append-token'), 'utf8').trim())
    }
  })
})
