import { fromBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { kemById } from '@sotto/protocol/hpke'
import { evidenceDigest, type ReleaseRequest, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { Enclave, payloadOf, World } from './world.ts'

async function release(world: World, enclave: Enclave, request: ReleaseRequest): Promise<ReleaseResponse> {
  const { status, body } = await world.call('/v1/release', request)
  expect(status, JSON.stringify(body)).toBe(200)
  return body as unknown as ReleaseResponse
}

test(
  claim(
    ['T5', 'T16'],
    'an admitted workload gets every key, wrapped to it alone, and a logged receipt first',
  ),
  async () => {
    const world = await World.ready()
    const enclave = new Enclave(world.workload)
    const request = await enclave.request(world)
    const response = await release(world, enclave, request)
    const { keys, artifacts } = enclave.open(request, response, world.genesis)
    expect(artifacts).toEqual([])
    expect(keys.map(({ keyId }) => keyId)).toEqual(world.keySet.keys.map(({ keyId }) => keyId))
    for (const { keyId, privateKey } of keys) {
      const config = fromBase64Url(world.keySet.keys.find((key) => key.keyId === keyId)!.config)
      expect(config[0]).toBe(keyId)
      const kem = kemById((config[1]! << 8) | config[2]!)
      const publicKey = kem.importPrivate(fromBase64Url(privateKey)).publicKey
      expect(toHex(config.subarray(3, 3 + kem.publicKeyLength))).toBe(toHex(publicKey))
    }
    expect(toHex(world.log.entries[response.receipt.index]!)).toBe(toHex(utf8(response.receipt.envelope)))
    expect(payloadOf(response.receipt.envelope)).toEqual({
      version: 1,
      genesis: world.genesis,
      epoch: 1,
      keyIds: [0, 1],
      policy: world.kms.view.state.policy,
      tuple: world.tuple().name,
      evidence: evidenceDigest(request.evidence),
      hardware: [`software ${'01'.repeat(64)}`],
      receiptKey: request.binding.receiptKey,
      issuedAt: world.now,
      notAfter: world.keySet.keys[0]!.notAfter + 600,
    })
    const other = new Enclave(world.workload)
    expect(() => other.open(request, response, world.genesis)).toThrowError(
      expect.objectContaining({ code: 'WRAP_FAILED' }),
    )
  },
)

test('the wrapped keys are tied to genesis, policy and report', async () => {
  const world = await World.ready()
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  const response = await release(world, enclave, request)
  expect(() => enclave.open(request, response, '00'.repeat(32))).toThrow()
  const another = await enclave.request(world)
  expect(() => enclave.open(another, response, world.genesis)).toThrow()
})

test(claim('chain.policy', 'values of two admitted workloads never mix into a third'), async () => {
  const world = new World()
  await world.start()
  const other = { image: 'ee'.repeat(32), hostData: 'ff'.repeat(32) }
  const policy = world.policy({ anyOf: [world.tuple(), world.tuple(other)] })
  await world.acceptPolicy(
    world.proposal(policy, undefined, [world.logRelease(world.workload), world.logRelease(other)]),
  )
  for (const workload of [world.workload, other]) {
    const enclave = new Enclave(workload)
    await release(world, enclave, await enclave.request(world))
  }
  expect(world.receipts.map(({ tuple }) => tuple)).toEqual([world.tuple().name, world.tuple(other).name])
  for (const mixed of [
    { image: world.workload.image, hostData: other.hostData },
    { image: other.image, hostData: world.workload.hostData },
  ]) {
    expect(await world.refusal('/v1/release', await new Enclave(mixed).request(world))).toBe(
      'KMS_NOT_ADMITTED',
    )
  }
})

test('a repeated request gets the same answer and no second receipt; a copied one helps nobody else', async () => {
  const world = await World.ready()
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  const [first, second] = await Promise.all([
    release(world, enclave, request),
    release(world, enclave, request),
  ])
  expect(second).toEqual(first)
  expect(await release(world, enclave, request)).toEqual(first)
  expect(world.receipts).toHaveLength(1)
})

test('a repeated request is judged again: evidence ages', async () => {
  const world = new World()
  await world.start()
  await world.acceptPolicy(world.proposal(world.policy({ evidenceMaxAgeSeconds: 100 })))
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  await release(world, enclave, request)
  world.now += 101
  expect(await world.refusal('/v1/release', request)).toBe('KMS_CHECKPOINT_STALE')
})

test('evidence over a checkpoint newer than ours is compared with the newer tree', async () => {
  const world = await World.ready()
  for (let n = 0; n < 20; n++) world.log.entries.push(utf8(`somebody ${n}`))
  const enclave = new Enclave(world.workload)
  await release(world, enclave, await enclave.request(world))
})

test(
  claim('T16', 'no answer before the log holds the receipt: pending is an error, never a success'),
  async () => {
    const world = await World.ready()
    const enclave = new Enclave(world.workload)
    const request = await enclave.request(world)
    world.log.appendFault = () => 'not-persisted'
    const failed = await world.call('/v1/release', request)
    expect(failed.status).toBe(503)
    expect(failed.body).toEqual({
      error: { code: 'LOG_UNREACHABLE', message: expect.any(String) as string, action: 'retry' },
    })
    expect(world.receipts).toEqual([])
    world.log.appendFault = () => 'reported-failed'
    expect(await world.refusal('/v1/release', request)).toBe('LOG_UNREACHABLE')
    world.log.appendFault = () => undefined
    await release(world, enclave, request)
    expect(world.receipts).toHaveLength(1)
  },
)

test(claim('T16', 'a log that only pretends to hold the receipt gets no keys released'), async () => {
  const world = await World.ready()
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  world.log.rewrite = (path, bytes) =>
    path === 'checkpoint' ? utf8(world.log.note(world.log.entries.length - 1)) : bytes
  expect(await world.refusal('/v1/release', request)).toBe('LOG_UNREACHABLE')
})

test(claim('T13', 'a log whose witnesses stopped gets no keys released'), async () => {
  const world = await World.ready()
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  world.log.now = () => world.now - 3601
  expect(await world.refusal('/v1/release', request)).toBe('KMS_STALE')
  world.now += 7201
  expect(world.kms.readiness()).toEqual({ ready: false, code: 'KMS_STALE' })
})

test('strangers cannot fill the log: receipts of admitted workloads are rationed', async () => {
  const world = await World.ready()
  const codes: string[] = []
  for (let n = 0; n < 66; n++) {
    codes.push(await world.refusal('/v1/release', await new Enclave(world.workload).request(world)))
  }
  expect(codes.filter((code) => code === 'none')).toHaveLength(64)
  expect(codes.at(-1)).toBe('HTTP_TOO_MANY')
  expect(world.receipts).toHaveLength(64)
})
