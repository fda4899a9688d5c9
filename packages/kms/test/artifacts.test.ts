import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { Enclave, seed, signer, World } from './world.ts'

const ID = 'ab'.repeat(16)
const KEY = seed(42)
const OTHER = { image: 'ee'.repeat(32), hostData: 'ff'.repeat(32) }

const send = (world: World, body: Uint8Array, id: string = ID): Promise<string> =>
  world.refusal(`/v1/artifacts/${id}/key`, body)

async function contentKey(world: World, enclave: Enclave): Promise<string> {
  const request = await enclave.request(world, { artifacts: [ID] })
  const { status, body } = await world.call('/v1/release', request)
  if (status !== 200) return (body['error'] as { code: string }).code
  const { artifacts } = enclave.open(request, body as never, world.genesis)
  expect(artifacts.map(({ id }) => id)).toEqual([ID])
  return artifacts[0]!.contentKey
}

test(
  claim(['T5', 'see.stores'], 'an owner’s content key comes out only to the workloads of the owner’s policy'),
  async () => {
    const world = await World.withOwner()
    expect(await contentKey(world, new Enclave(world.workload))).toBe('KMS_NOT_ADMITTED')
    const imported = await world.call(`/v1/artifacts/${ID}/key`, world.artifactImport(ID, KEY))
    expect(imported).toMatchObject({
      status: 200,
      body: { artifact: ID, policy: world.kms.view.state.policy },
    })
    expect(imported.text).not.toContain(toBase64Url(KEY))
    expect(fromBase64Url(await contentKey(world, new Enclave(world.workload)))).toEqual(KEY)
    await world.start()
    expect(fromBase64Url(await contentKey(world, new Enclave(world.workload)))).toEqual(KEY)
  },
)

test('members who change the policy do not change who may open the artifact', async () => {
  const world = await World.withOwner()
  await send(world, world.artifactImport(ID, KEY))
  const both = world.policy({ createdAt: world.now + 1, anyOf: [world.tuple(), world.tuple(OTHER)] })
  await world.acceptPolicy(
    world.proposal(both, undefined, [world.logRelease(world.workload), world.logRelease(OTHER)]),
  )
  expect(fromBase64Url(await contentKey(world, new Enclave(world.workload)))).toEqual(KEY)
  expect(await contentKey(world, new Enclave(OTHER))).toBe('KMS_NOT_ADMITTED')
  expect(await send(world, world.artifactImport(ID, KEY))).toBe('none')
  expect(fromBase64Url(await contentKey(world, new Enclave(OTHER)))).toEqual(KEY)
})

test('only its first owner may import an artifact again', async () => {
  const world = await World.withOwner()
  await world.admitOwners([world.owner(), world.owner(signer(51))])
  await send(world, world.artifactImport(ID, KEY))
  expect(await send(world, world.artifactImport(ID, seed(1), {}, signer(51)))).toBe('KMS_ARTIFACT_OWNED')
  expect(await send(world, world.artifactImport(ID, seed(43)))).toBe('none')
  expect(fromBase64Url(await contentKey(world, new Enclave(world.workload)))).toEqual(seed(43))
})

test('an import that was replaced cannot be put back; the newest may be repeated', async () => {
  const world = await World.withOwner()
  const first = world.artifactImport(ID, KEY)
  const second = world.artifactImport(ID, seed(43))
  expect(await send(world, first)).toBe('none')
  expect(await send(world, first)).toBe('none')
  expect(await send(world, second)).toBe('none')
  expect(await send(world, first)).toBe('KMS_ARTIFACT_REPLAY')
  await world.start()
  expect(await send(world, first), 'the import key of another start').toBe('KMS_REQUEST_MALFORMED')
})

test.each<[string, (world: World) => Uint8Array, string]>([
  ['another KMS', (w) => w.artifactImport(ID, KEY, { genesis: '00'.repeat(32) }), 'KMS_WRONG_GENESIS'],
  ['another artifact than the path', (w) => w.artifactImport('cd'.repeat(16), KEY), 'KMS_REQUEST_MALFORMED'],
  [
    'a policy nobody accepted',
    (w) => w.artifactImport(ID, KEY, { policy: '00'.repeat(32) }),
    'KMS_ARTIFACT_POLICY',
  ],
  [
    'an owner who did not sign',
    (w) => w.artifactImport(ID, KEY, { owner: toBase64Url(signer(52).publicKey) }),
    'KMS_NOT_AUTHORIZED',
  ],
  ['a key of another size', (w) => w.artifactImport(ID, seed(1).subarray(1)), 'KMS_REQUEST_MALFORMED'],
  ['no envelope', () => new TextEncoder().encode('{}'), 'KMS_REQUEST_MALFORMED'],
])('refuses an import for %s', async (_, make, code) => {
  const world = await World.withOwner()
  expect(await send(world, make(world))).toBe(code)
  expect(world.kms.view.state.artifacts.size).toBe(0)
})

test('an id that is none has no route', async () => {
  const world = await World.withOwner()
  expect(await send(world, world.artifactImport(ID, KEY), '../keys')).toBe('HTTP_NOT_FOUND')
  expect(await send(world, world.artifactImport(ID, KEY), ID.toUpperCase())).toBe('HTTP_NOT_FOUND')
})
