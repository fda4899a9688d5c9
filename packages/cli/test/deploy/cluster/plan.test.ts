import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { createWorld } from '@sotto/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { planCluster, type PlanInput, ROLE_PORT } from '../../../src/deploy/cluster/plan.ts'
import { parseDeploymentFile } from '../../../src/deploy/file/index.ts'
import type { AppRole } from '../../../src/roles/index.ts'
import { localDataUse } from '../../../src/stack/documents.ts'
import { CLUSTER } from '../documents.ts'

let policy: TrustPolicy
beforeAll(async () => {
  policy = parseTrustPolicy((await createWorld()).policy)
})

const OWNED = `${'a'.repeat(24)}/notes:3`
const APP = 'app: {code: ./app, command: run}'
const PLACED: AppRole = {
  name: 'notes',
  directory: '/var/lib/sotto-app',
  code: { file: 'app.tar', sha256: 'ab'.repeat(32) },
  command: ['run'],
  env: {},
  port: 8080,
  healthcheck: { path: '/health', startSeconds: 60 },
  memoryBytes: 2 ** 30,
}

function plan(
  change: object = {},
  lines: string[] = [],
  input: Partial<PlanInput> = {},
): ReturnType<typeof planCluster> {
  const text = ['name: notes', ...lines, `cluster: ${JSON.stringify({ ...CLUSTER, ...change })}`].join('\n')
  return planCluster({
    file: parseDeploymentFile(text, '/notes/sotto.yaml'),
    policy,
    dataUse: localDataUse(undefined),
    app: undefined,
    reach: (role) => `http://${role}:${ROLE_PORT}`,
    ...input,
  })
}
const refusal = (...of: Parameters<typeof plan>): { code: string; message: string; expected: string } => {
  try {
    plan(...of)
  } catch (error) {
    return error as never
  }
  return expect.unreachable('it was planned')
}

describe('a plan for a cluster', () => {
  it('is the same bytes each time', () => {
    expect(plan()).toEqual(plan())
  })

  it('begins with log and KMS, and says what the rest waits for', () => {
    const { roles, waitsFor, policy: text } = plan({}, [], { policy: undefined })
    expect(roles.map(({ name }) => name)).toEqual(['log', 'kms'])
    expect(waitsFor).toEqual([expect.stringContaining('policy in sotto.yaml')])
    expect(text).toBeUndefined()
  })

  it('waits for an app that is not sealed yet, and takes the one that is', () => {
    const waiting = plan({}, [APP])
    expect(waiting.roles.map(({ name }) => name)).toEqual(['log', 'kms'])
    expect(waiting.waitsFor).toEqual([expect.stringContaining('--kms URL')])
    const whole = plan({}, [APP], { app: PLACED })
    expect(whole.waitsFor).toEqual([])
    const { config } = whole.roles.find(({ name }) => name === 'inference')!
    expect((JSON.parse(config) as { app: unknown }).app).toEqual(PLACED)
  })

  it('does not change a KMS that runs, whatever comes after it', () => {
    const kms = (...of: Parameters<typeof plan>): string =>
      plan(...of).roles.find(({ name }) => name === 'kms')!.configDigest
    const first = kms({}, [], { policy: undefined })
    expect(kms()).toBe(first)
    expect(kms({}, [APP, 'resources: {replicas: 4}', 'expires: 2030-01-01'], { app: PLACED })).toBe(first)
    expect(kms({ threshold: 1 })).not.toBe(first)
  })

  it('says of every configuration its very bytes and their digest, and marks what is measured', () => {
    for (const { name, config, configDigest, isMeasured, image } of plan().roles) {
      expect(configDigest).toBe(toHex(crypto.sha256(utf8(config))))
      expect(isMeasured).toBe(name === 'kms' || name === 'inference')
      expect(image).toBe(isMeasured ? CLUSTER.images[name as 'kms'] : CLUSTER.images.edge)
    }
  })

  it('keeps what has to survive, and names secrets without having any', () => {
    const shared = { secrets: { postgres: 'ours', appendToken: 'token' } }
    const kms = (change: object): { keepsState: boolean; secretEnv: object } => {
      const { keepsState, secretEnv } = plan(change).roles.find(({ name }) => name === 'kms')!
      return { keepsState, secretEnv }
    }
    expect(kms({})).toEqual({ keepsState: true, secretEnv: { SOTTO_LOG_APPEND_TOKEN: 'appendToken' } })
    expect(kms(shared)).toEqual({
      keepsState: false,
      secretEnv: { SOTTO_LOG_APPEND_TOKEN: 'appendToken', SOTTO_KMS_DATABASE_URL: 'postgres' },
    })
    const custodians = { source: 'custodians', threshold: 1, custodians: [], folder: '/var/lib/sotto/root' }
    expect(kms({ ...shared, root: custodians }).keepsState).toBe(true)
    const states = plan().roles.map(({ name, keepsState }) => `${name} ${keepsState}`)
    expect(states).toEqual(['log true', 'kms true', 'registry true', 'inference false', 'relay false'])
  })
})

describe('what no cluster can do is refused before anything starts', () => {
  it.each<[string, Parameters<typeof plan>, RegExp]>([
    ['a model that comes with Sotto', [{}, ['models: [sotto-tiny-story-en]']], /models of a cluster/],
    ['a folder of models', [{}, ['models: [./models]']], /models of a cluster/],
    ['33 models', [{}, [`models: [${Array.from({ length: 33 }, () => OWNED).join(', ')}]`]], /more models/],
    [
      'the way back to a root secret on no disk',
      [{ root: { source: 'custodians' }, secrets: { postgres: 'x' } }],
      /cluster\.root\.folder is missing/,
    ],
    [
      'a folder that does not outlive its container',
      [{ root: { source: 'tee', folder: '/tmp' } }],
      /would not outlive/,
    ],
    [
      'a folder that climbs',
      [{ root: { source: 'tee', folder: '/var/lib/sotto/../x' } }],
      /would not outlive/,
    ],
    [
      'a folder with a name alike',
      [{ root: { source: 'tee', folder: '/var/lib/sotto-app' } }],
      /would not outlive/,
    ],
    ['a folder that is a number', [{ root: { source: 'tee', folder: 1 } }], /would not outlive/],
  ])('%s', (_what, of, why) => {
    expect(refusal(...of)).toMatchObject({
      code: 'DEPLOY_FILE',
      message: expect.stringMatching(why) as string,
    })
  })

  it.each<[string, object, RegExp]>([
    ['a store in a folder', {}, /no disk to keep its store on/],
    [
      'what custodians share, whose file leads back to it',
      { root: { source: 'custodians', threshold: 2, custodians: [] }, secrets: { postgres: 'x' } },
      /no disk to keep the way back/,
    ],
    [
      'the same with a folder for it',
      { root: { source: 'custodians', folder: '/var/lib/sotto/root' }, secrets: { postgres: 'x' } },
      /no disk to keep the way back/,
    ],
    [
      'a secret of the TEE with a folder',
      { root: { source: 'tee', folder: '/var/lib/sotto/root' }, secrets: { postgres: 'x' } },
      /no disk to keep the way back/,
    ],
    [
      'a key version before this one',
      {
        root: { source: 'azure-managed-hsm', previousKeyVersion: 'a'.repeat(32) },
        secrets: { postgres: 'x' },
      },
      /no disk to keep the way back/,
    ],
  ])('where nothing outlives a container: %s', (_what, change, why) => {
    expect(refusal(change, [], { keepsFiles: false })).toMatchObject({
      code: 'DEPLOY_FILE',
      message: expect.stringMatching(why) as string,
    })
  })

  it('and a KMS that keeps nothing on a disk is planned there', () => {
    const root = { source: 'azure-managed-hsm', keyVersion: 'a'.repeat(32) }
    const { roles } = plan({ root, secrets: { postgres: 'x' } }, [], { keepsFiles: false })
    expect(roles.find(({ name }) => name === 'kms')!.keepsState).toBe(false)
  })

  it('a name that is too long for hosts, or ends in a hyphen', () => {
    for (const name of ['x'.repeat(51), 'notes-'])
      expect(() =>
        planCluster({
          file: parseDeploymentFile(`name: ${name}\ncluster: ${JSON.stringify(CLUSTER)}`, '/sotto.yaml'),
          policy: undefined,
          dataUse: localDataUse(undefined),
          app: undefined,
          reach: (role) => `http://${role}`,
        }),
      ).toThrowError(expect.objectContaining({ code: 'DEPLOY_FILE' }) as Error)
  })

  it('a file that says nothing of a cluster', () => {
    expect(() =>
      planCluster({
        file: parseDeploymentFile('name: notes', '/sotto.yaml'),
        policy: undefined,
        dataUse: localDataUse(undefined),
        app: undefined,
        reach: (role) => role,
      }),
    ).toThrowError(/says nothing about a cluster/)
  })

  it('owners’ models stay as they are written', () => {
    const { config } = plan({}, [`models: ["${OWNED}"]`]).roles.find(({ name }) => name === 'inference')!
    expect(JSON.parse(config)).toMatchObject({ models: { artifacts: [], loaded: { pinned: [OWNED] } } })
  })
})
