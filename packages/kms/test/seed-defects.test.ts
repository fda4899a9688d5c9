import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { openSqliteStore } from '../src/store/index.ts'
import { Enclave, seed, World } from './world.ts'

/** Every route there is; anything else is 404, whatever other key services answer there. */
const ELSEWHERE = [
  ['GET', '/'],
  ['GET', '/listpubkeys'],
  ['POST', '/key?kid=0&encrypted=false'],
  ['POST', '/app/key'],
  ['POST', '/unwrapKey'],
  ['POST', '/refresh'],
  ['GET', '/keyReleasePolicy'],
  ['GET', '/v1/release'],
  ['POST', '/v1/policies'],
  ['POST', '/v1/rotate'],
  ['PUT', '/v1/proposals'],
  ['GET', '/v1/ballots'],
  ['GET', '/v1/holds'],
  ['POST', `/v1/proposals/${'ab'.repeat(32)}`],
  ['GET', `/v1/artifacts/${'ab'.repeat(16)}/key`],
  ['POST', '/v1/keys'],
  ['POST', '/v1/keys/'],
  ['POST', '//v1/ballots'],
] as const

test('there is no other way in', async () => {
  const world = await World.ready()
  for (const [method, path] of ELSEWHERE) {
    const response = await world.app(new Request(`http://kms.test${path}`, { method }))
    expect(response.status, `${method} ${path}`).toBe(404)
  }
})

test(
  claim(
    ['T5', 'see.stores'],
    'no answer to anybody holds a private key in any spelling, whatever is asked for',
  ),
  async () => {
    const world = await World.withOwner()
    await world.kms.importArtifact('ab'.repeat(16), world.artifactImport('ab'.repeat(16), seed(42)))
    const enclave = new Enclave(world.workload)
    const request = await enclave.request(world, { artifacts: ['ab'.repeat(16)] })
    const { state } = world.kms.view
    const draft = world.rotation()
    const answers: string[] = []
    const asked: [string, unknown][] = [
      ['/v1/genesis', undefined],
      ['/v1/keys', undefined],
      ['/v1/keys?private=true', undefined],
      ['/v1/release', request],
      ['/v1/release?encrypted=false', request],
      ['/v1/release?wrap=none&debug=1', request],
      ['/v1/release', { ...request, encrypted: false }],
      ['/v1/release', { ...request, binding: { ...request.binding, wrapKey: '' } }],
      ['/v1/proposals', undefined],
      ['/v1/proposals', { proposal: draft.proposal }],
      [`/v1/proposals/${draft.id}`, undefined],
      ['/v1/ballots', { ballot: world.ballot(draft.id) }],
    ]
    for (const [path, body] of asked) answers.push((await world.call(path, body)).text)
    const secrets = [
      ...[...state.keys.values()].map(({ privateKey }) => privateKey),
      ...[...state.artifacts.values()].map(({ contentKey }) => contentKey),
      world.rootKeys.secret,
      world.rootKeys.signer.secretSeed,
    ]
    expect(secrets.length).toBeGreaterThanOrEqual(4)
    for (const secret of secrets) {
      for (const spelling of [toBase64Url(secret), toHex(secret), Buffer.from(secret).toString('base64')]) {
        expect(answers.join('\n').includes(spelling)).toBe(false)
      }
    }
  },
)

test('an error never quotes what it refused', async () => {
  const world = await World.ready()
  const secret = 'c2VjcmV0LXByb21wdA'
  const request = await new Enclave(world.workload).request(world)
  for (const body of [
    secret,
    { ...request, unknown: secret },
    { ...request, checkpoint: secret },
    { ...request, artifacts: [secret] },
  ]) {
    const { text, status } = await world.call('/v1/release', body)
    expect(status).toBe(400 + (text.includes('CHECKPOINT') ? 3 : 0))
    expect(text).not.toContain(secret)
    expect(Object.keys((JSON.parse(text) as { error: object }).error)).toEqual(['code', 'message', 'action'])
  }
})

test('a status is never "come back for the receipt": an answer is whole or an error', async () => {
  const world = await World.ready()
  const request = await new Enclave(world.workload).request(world)
  world.log.isDown = true
  for (const [path, body] of [
    ['/v1/release', request],
    ['/v1/proposals', { proposal: world.rotation().proposal }],
  ] as const) {
    const { status, body: answer } = await world.call(path, body)
    expect(status).toBe(503)
    expect(answer).toMatchObject({ error: { action: 'retry' } })
  }
})

test('requests that wait for the log are bounded; the rest are told to come back', async () => {
  const world = await World.ready()
  const stuck = Promise.withResolvers<Response>()
  const requests = await Promise.all(
    Array.from({ length: 74 }, () => new Enclave(world.workload).request(world)),
  )
  Object.defineProperty(world.log, 'append', { value: () => stuck.promise })
  const answers = requests.map((request) => world.refusal('/v1/release', request))
  expect(await Promise.race(answers)).toBe('HTTP_BUSY')
  stuck.resolve(new Response('{}', { status: 503 }))
  const codes = await Promise.all(answers)
  expect(codes.filter((code) => code === 'HTTP_BUSY')).toHaveLength(2)
})

test('a full disk: nothing is half done, what was served is served on, and it passes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sotto-kms-full-'))
  const store = openSqliteStore({ path: join(directory, 'kms.sqlite'), sealingKey: seed(7) })
  const world = new World()
  world.store = store
  await world.start()
  await world.acceptPolicy(world.proposal())
  const before = await world.call('/v1/keys')
  const draft = world.rotation()
  await world.kms.propose(draft)
  store.exec('PRAGMA max_page_count=1')
  const { status, body } = await world.call('/v1/ballots', { ballot: world.ballot(draft.id) })
  expect(status).toBe(507)
  expect(body).toMatchObject({ error: { code: 'KMS_STORE_FULL', action: 'retry' } })
  expect(await world.call('/v1/keys')).toEqual(before)
  expect(await world.refusal('/v1/release', await new Enclave(world.workload).request(world))).toBe('none')
  store.exec('PRAGMA max_page_count=100000')
  expect((await world.call('/v1/ballots', { ballot: world.ballot(draft.id) })).status).toBe(200)
  expect(world.keySet.epoch).toBe(2)
  await store.close()
  await rm(directory, { recursive: true })
})

test('what the store holds cannot be read without the sealing key', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sotto-kms-sealed-'))
  const path = join(directory, 'kms.sqlite')
  const store = openSqliteStore({ path, sealingKey: seed(7) })
  const world = new World()
  world.store = store
  await world.start()
  await world.acceptPolicy(world.proposal())
  const keys = [...world.kms.view.state.keys.values()]
  await store.close()
  const bytes = (await readFile(path)).toString('latin1')
  for (const { privateKey } of keys) expect(bytes.includes(toBase64Url(privateKey))).toBe(false)
  for (const secret of [world.rootKeys.secret, world.rootKeys.signer.secretSeed])
    expect(bytes.includes(toBase64Url(secret))).toBe(false)
  await rm(directory, { recursive: true })
})
