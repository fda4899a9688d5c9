import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { verifierKey } from '@sotto/protocol/note'
import { packTar } from '@sotto/protocol/tar'
import { createWorld } from '@sotto/testkit'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import fc from 'fast-check'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readSecrets } from '../../packages/cli/src/deploy/app/secrets.ts'
import { type ClusterPlan, planCluster, ROLE_PORT } from '../../packages/cli/src/deploy/cluster/plan.ts'
import { type DeploymentFile, parseDeploymentFile } from '../../packages/cli/src/deploy/file/index.ts'
import type { AppRole, RoleConfig } from '../../packages/cli/src/roles/index.ts'
import { localDataUse } from '../../packages/cli/src/stack/documents.ts'
import { placeApp } from '../../packages/cli/src/stack/app.ts'
import { appConfig } from '../../packages/enclave/src/app/config.ts'
import { openSecrets, parseSecrets } from '../../packages/enclave/src/app/secrets.ts'
import { CLUSTER } from '../../packages/cli/test/deploy/documents.ts'
import { decodeConfig } from './decode-config.ts'

const APP: AppRole = {
  name: 'notes',
  directory: '/var/lib/sotto-app',
  code: { file: `${'0'.repeat(32)}.sealed`, sha256: 'ab'.repeat(32), artifact: '0'.repeat(32) },
  command: ['node', 'server.mjs'],
  env: {},
  port: 8080,
  healthcheck: { path: '/health', startSeconds: 60 },
  secrets: { file: `${'1'.repeat(32)}.sealed`, artifact: '1'.repeat(32), names: ['KEY'] },
  memoryBytes: 2 ** 30,
}

/** The app of a file as it is once it is placed. */
function placedApp({ app, name }: DeploymentFile): AppRole | undefined {
  if (app === undefined) return undefined
  const { command, env, port, health: healthcheck, memory: memoryBytes } = app
  return { ...APP, name, command, env, port, healthcheck, memoryBytes }
}

function planOf(document: object, policy: TrustPolicy | undefined): ClusterPlan {
  const file = parseDeploymentFile(JSON.stringify(document), '/notes/sotto.yaml')
  return planCluster({
    file,
    policy,
    dataUse: localDataUse(undefined),
    app: placedApp(file),
    reach: (role) => file.cluster!.addresses[role] ?? `http://${file.name}-${role}:${ROLE_PORT}`,
  })
}

const publicKey = (seed: number): Uint8Array =>
  crypto.ed25519.importPrivate(new Uint8Array(32).fill(seed)).publicKey
const P256 = toBase64Url(Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 4 : at)))

describe('configurations that are rendered for a cluster', () => {
  let policy: TrustPolicy
  beforeAll(async () => {
    policy = parseTrustPolicy((await createWorld()).policy)
  })

  it('are read by the roles: the least there can be, and all there can be', () => {
    const all = {
      name: 'n'.repeat(50),
      models: [`${'a'.repeat(24)}/notes:3`, `${'b'.repeat(24)}/other`],
      aliases: { 'gpt-4o-mini': 'sotto-extractive', 'org/model:latest': `${'a'.repeat(24)}/notes:3` },
      app: {
        code: './app',
        command: ['sh', '-c', 'echo "$PORT"'],
        sealed: true,
        port: 65_535,
        health: { path: '/a/b.c~d_e-f', startSeconds: 900 },
        env: { EMPTY: '', A: 'ä"\\\n\u0001' },
        secrets: { KEY: { env: 'KEY' } },
        memory: '256GiB',
      },
      resources: { replicas: 8, cpu: 256, memory: '2048GiB' },
      expires: '9999-12-31',
      cluster: {
        ...CLUSTER,
        members: { 'Ada L. 1': toBase64Url(publicKey(1)), bob: P256 },
        releaseKeys: [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => toBase64Url(publicKey(seed))),
        root: {
          source: 'custodians',
          threshold: 2,
          folder: '/var/lib/sotto/root',
          custodians: [],
        },
        kmsReplicas: 8,
        secrets: { appendToken: 'token', postgres: 'database' },
        addresses: { kms: 'https://kms.example:8443', log: 'http://log.example' },
        namespace: 'ours',
        runtimeClass: 'kata-qemu-snp',
      },
    }
    const { roles } = planOf(all, policy)
    for (const { name, config } of roles.filter((role) => role.name !== 'kms')) decodeConfig(name, config)
    // What is in a root secret's section the KMS judges, and it is the one thing it may refuse.
    const kms = roles.find(({ name }) => name === 'kms')!
    expect(() => decodeConfig('kms', kms.config)).toThrow(/custodians/)
    const { root: _, ...withoutRoot } = JSON.parse(kms.config) as RoleConfig
    decodeConfig('kms', JSON.stringify(withoutRoot))
    for (const { name, config } of planOf({ name: 'a', cluster: CLUSTER }, policy).roles)
      decodeConfig(name, config)
    for (const { name, config } of planOf({ name: 'a', cluster: CLUSTER }, undefined).roles)
      decodeConfig(name, config)
  })

  it('are read by the roles, whatever file they come from: what a file may say no role refuses', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
    const key = fc.integer({ min: 1, max: 200 }).map((seed) => toBase64Url(publicKey(seed)))
    const noteKey = (type: 'ed25519' | 'cosignature-v1'): fc.Arbitrary<string> =>
      fc.integer({ min: 1, max: 200 }).map((seed) => verifierKey(`name${seed}`, type, publicKey(seed)))
    /** Mostly what a file may say, now and then what it may not. */
    const mostly = <T>(good: fc.Arbitrary<T>, ...odd: unknown[]): fc.Arbitrary<unknown> =>
      fc.oneof(
        { arbitrary: good as fc.Arbitrary<unknown>, weight: 40 },
        { arbitrary: fc.constantFrom(...odd), weight: 1 },
      )
    const app = fc.record(
      {
        code: fc.constant('./app'),
        command: fc.array(text, { minLength: 1, maxLength: 5 }),
        port: mostly(fc.integer({ min: 1024, max: 65_535 }), 1023, 65_536),
        health: fc.record(
          {
            path: mostly(
              fc.stringMatching(/^\/[a-z~._-][a-z~._/-]{0,20}$/),
              '/',
              '//a',
              '/a?b',
              '/%41',
              'a',
              '/ä',
              '/a//b',
            ),
            startSeconds: mostly(fc.integer({ min: 1, max: 900 }), 0, 901),
          },
          { requiredKeys: [] },
        ),
        env: fc.dictionary(
          fc.stringMatching(/^X[A-Z0-9_]{0,10}$/),
          fc.string({ unit: 'grapheme', maxLength: 20 }),
          { maxKeys: 5 },
        ),
        memory: mostly(fc.constantFrom('64MiB', '1GB', '256GiB', 2 ** 30), '300GiB', '1MiB'),
      },
      { requiredKeys: ['code', 'command'] },
    )
    const cluster = fc.record({
      images: fc.constant(CLUSTER.images),
      tee: fc.constant('snp'),
      members: mostly(
        fc.dictionary(fc.stringMatching(/^[A-Za-z0-9][\w .-]{0,20}$/), fc.oneof(key, fc.constant(P256)), {
          minKeys: 1,
          maxKeys: 4,
        }),
        { a: 'A'.repeat(87) },
        { a: 'A'.repeat(60) },
      ),
      threshold: fc.constant(1),
      releaseKeys: mostly(fc.uniqueArray(key, { minLength: 1, maxLength: 8 }), []),
      root: mostly(fc.constantFrom({ source: 'tee' }, { source: 'tee', folder: '/var/lib/sotto/x' }), {
        source: 'tee',
        folder: '/x',
      }),
      log: fc.record({
        origin: mostly(
          fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/),
          'a b',
          '-',
          'ä',
          'a+b',
          'x'.repeat(129),
        ),
        key: noteKey('ed25519'),
        witnesses: mostly(
          fc.uniqueArray(
            fc.record({
              url: fc.constantFrom(
                'http://w',
                'https://witness.example/a/b',
                'https://witness.example:8443/',
              ),
              key: noteKey('cosignature-v1'),
            }),
            { minLength: 1, maxLength: 3, selector: (one) => one.key },
          ),
          [],
        ),
        quorum: mostly(fc.constant(1), 0, 4),
      }),
      relayHost: fc.constant('relay.example'),
    })
    const document = fc.record(
      {
        name: fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?$/),
        aliases: fc.dictionary(
          fc.oneof(
            fc.stringMatching(/^[A-Za-z0-9][\w./:-]{0,20}$/),
            fc.constantFrom('constructor', 'toString', '10'),
          ),
          fc.stringMatching(/^[a-z0-9][a-z0-9._/-]{0,20}(?::[1-9]\d{0,2})?$/),
          { maxKeys: 5 },
        ),
        app,
        expires: mostly(
          fc.constantFrom('1970-01-01', '2030-01-31', '9999-12-31'),
          '9999-12-31T23:59:59-01:00',
        ),
        models: mostly(
          fc.array(fc.constantFrom(`${'a'.repeat(24)}/x`, `${'b'.repeat(24)}/y:2`), { maxLength: 3 }),
          ['sotto-extractive'],
        ),
        resources: fc.record({ replicas: mostly(fc.integer({ min: 1, max: 8 }), 0, 9) }),
        cluster,
      },
      { requiredKeys: ['name', 'cluster'] },
    )
    let planned = 0
    fc.assert(
      fc.property(document, (one) => {
        let plan: ClusterPlan
        try {
          plan = planOf(one, policy)
        } catch (error) {
          expect(error).toMatchObject({ code: 'DEPLOY_FILE' })
          return
        }
        planned++
        for (const { name, config } of plan.roles) decodeConfig(name, config)
      }),
      { numRuns: process.env['SLOW'] ? 5000 : 200 },
    )
    // Most of them are no refusals, or little was tested.
    expect(planned).toBeGreaterThan(50)
  })
})

describe('what the enclave reads besides', () => {
  it('takes the secrets that were packed for it, and those of no other deployment', async () => {
    const bytes = await readSecrets(
      'notes',
      { B: { env: 'b' }, A: { env: 'a' } },
      { a: 'ä"\\\n\u0001', b: 'x'.repeat(32_768) },
    )
    expect(parseSecrets(bytes, { name: 'notes', names: ['A', 'B'] })).toEqual({
      A: 'ä"\\\n\u0001',
      B: 'x'.repeat(32_768),
    })
    expect(() => parseSecrets(bytes, { name: 'other', names: ['A', 'B'] })).toThrowError(
      expect.objectContaining({ code: 'APP_SECRETS_OTHER' }) as Error,
    )
  })

  it('takes exactly the secrets whose names stand in the configuration that is written with them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-placed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const secrets = await readSecrets('notes', { B: { env: 'b' }, A: { env: 'a' } }, { a: '1', b: '2' })
    const tar = packTar([{ path: 'a', mode: 0o644, bytes: new Uint8Array() }])
    const { role, sealed } = await placeApp(
      {
        name: 'notes',
        code: { tar, sha256: toHex(crypto.sha256(tar)), sealed: false },
        command: ['true'],
        env: {},
        port: 8080,
        healthcheck: { path: '/', startSeconds: 1 },
        secrets,
        memoryBytes: 2 ** 30,
      },
      folder,
    )
    const config = appConfig(JSON.parse(JSON.stringify(role)), 'app')
    expect(config.secrets!.names).toEqual(['A', 'B'])
    const keys = new Map(sealed.map(({ id, contentKey }) => [id, contentKey]))
    expect(await openSecrets(config, keys)).toEqual({ A: '1', B: '2' })
    for (const names of [['A'], ['A', 'B', 'C'], ['A', 'C']])
      await expect(
        openSecrets({ ...config, secrets: { ...config.secrets!, names } }, keys),
      ).rejects.toMatchObject({ code: 'APP_SECRETS_MALFORMED' })
  })

  it('has nothing refused of what sotto deploy took', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^X[A-Z0-9_]{0,10}$/), text, { maxKeys: 5 }),
        async (values) => {
          const sources = Object.fromEntries(Object.keys(values).map((name) => [name, { env: name }]))
          const bytes = await readSecrets('notes', sources, values).catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'DEPLOY_APP' })
          })
          if (bytes)
            expect(parseSecrets(bytes, { name: 'notes', names: Object.keys(values) })).toEqual(values)
        },
      ),
    )
  })
})
