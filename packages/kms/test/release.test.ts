import { fromBase64Url, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { kemById } from '@sotto/protocol/hpke'
import {
  bindReportData,
  evidenceDigest,
  type ReleaseRequest,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { checkpointText, cosign, signNote } from '@sotto/protocol/note'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { Enclave, hardwareOf, payloadOf, seed, World } from './world.ts'

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

const OTHER_IMAGE = 'ee'.repeat(32)
const OTHER_CONFIG = 'ff'.repeat(32)

/** Every way a request may be wrong, and what it must be told. */
const REFUSALS: [string, (world: World, enclave: Enclave) => Promise<unknown>, string][] = [
  ['another image', (w) => new Enclave({ ...w.workload, image: OTHER_IMAGE }).request(w), 'KMS_NOT_ADMITTED'],
  [
    'another configuration',
    (w) => new Enclave({ ...w.workload, hostData: OTHER_CONFIG }).request(w),
    'KMS_NOT_ADMITTED',
  ],
  [
    'a machine whose root nobody named',
    (w) => new Enclave({ ...w.workload, machine: crypto.ecdsa.generate('P-384') }).request(w),
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'evidence for another KMS',
    (w, e) => e.request(w, { binding: { genesis: '00'.repeat(32) } }),
    'KMS_WRONG_GENESIS',
  ],
  [
    'a wrapping key the evidence does not bind',
    async (w, e) => {
      const request = await e.request(w)
      const thief = new Enclave(w.workload)
      return { ...request, binding: { ...request.binding, wrapKey: toBase64Url(thief.wrapKey.publicKey) } }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a receipt key the evidence does not bind',
    async (w, e) => {
      const request = await e.request(w)
      return { ...request, binding: { ...request.binding, receiptKey: toBase64Url(seed(3)) } }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a report of a KMS in place of an enclave',
    async (w, e) => {
      const request = await e.request(w)
      const posing = {
        ...request.binding,
        signingKey: request.binding.receiptKey,
        importKey: request.binding.wrapKey,
      }
      const evidence = await hardwareOf(w.workload).collectEvidence(bindReportData('kms', posing as never))
      return { ...request, evidence }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a report with one byte changed',
    async (w, e) => {
      const request = await e.request(w)
      const [piece] = request.evidence
      const report = fromBase64Url(piece!.evidence)
      const evidence = toBase64Url(report.with(0x90, report[0x90]! ^ 1))
      return { ...request, evidence: [{ ...piece!, evidence }] }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a wrapping key that is no X-Wing key',
    (w, e) => e.request(w, { binding: { wrapKey: toBase64Url(new Uint8Array(1216).fill(255)) } }),
    'WRAP_FAILED',
  ],
  [
    'another checkpoint than the bound one',
    async (w, e) => {
      const request = await e.request(w)
      w.log.entries.push(utf8('more'))
      return { ...request, checkpoint: w.log.note() }
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint with too few witnesses',
    async (w, e) => {
      w.log.cosigning = 1
      const note = w.log.note()
      w.log.cosigning = 2
      return e.request(w, { note })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint of another log',
    async (w, e) => {
      const text = checkpointText({ origin: 'evil.test', size: 1, root: seed(1) })
      return e.request(w, {
        note:
          signNote(text, { ...w.log.signer, name: 'evil.test' }) +
          w.log.witnesses.map((x) => cosign(text, x, w.now)).join(''),
      })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint of another history, fully signed',
    async (w, e) => {
      const text = checkpointText({ origin: w.log.origin, size: 2, root: seed(1) })
      return e.request(w, {
        note: signNote(text, w.log.signer) + w.log.witnesses.map((x) => cosign(text, x, w.now)).join(''),
      })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint as old as the policy forbids',
    async (w, e) => {
      w.log.now = () => w.now - 86_401
      const note = w.log.note()
      w.log.now = () => w.now
      return e.request(w, { note })
    },
    'KMS_CHECKPOINT_STALE',
  ],
  ['a field nobody knows', async (w, e) => ({ ...(await e.request(w)), encrypted: false }), 'JCS_FIELD'],
  ['a missing field', async (w, e) => ({ ...(await e.request(w)), artifacts: undefined }), 'JCS_FIELD'],
  ['no evidence at all', () => Promise.resolve({}), 'JCS_FIELD'],
  ['no JSON', () => Promise.resolve('hello'), 'JCS_MALFORMED'],
  ['an unknown artifact', (w, e) => e.request(w, { artifacts: ['ab'.repeat(16)] }), 'KMS_NOT_ADMITTED'],
  [
    'an artifact twice',
    (w, e) => e.request(w, { artifacts: ['ab'.repeat(16), 'ab'.repeat(16)] }),
    'KMS_REQUEST_MALFORMED',
  ],
]

test(
  claim(['T1', 'T6', 'chain.policy'], 'refuses every request that is wrong in one way, and writes nothing'),
  async () => {
    const world = await World.ready()
    for (const [name, make, code] of REFUSALS) {
      const request = await make(world, new Enclave(world.workload))
      expect(await world.refusal('/v1/release', request), name).toBe(code)
    }
    expect(world.receipts).toEqual([])
  },
)

test(claim('chain.policy', 'values of two admitted workloads never mix into a third'), async () => {
  const world = new World()
  await world.start()
  const other = { image: OTHER_IMAGE, hostData: OTHER_CONFIG }
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
    world.log.appendFault = (call) => (call === world.log.appends - 1 ? 'reported-failed' : undefined)
    world.log.appendFault = () => undefined
    await release(world, enclave, request)
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
