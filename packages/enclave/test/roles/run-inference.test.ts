import { expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { evidenceDigest } from '@sotto/protocol/keyrelease'
import { parseReceiptCertificate, parseReceiptTrailer } from '@sotto/protocol/receipts'
import { type TrustPolicy, verifyReceipt, verifyTrustBundle } from '@sotto/verifier'
import { EMBED, SUMMARIZE } from '../models/sealed-file.ts'
import { ask, type Change, json, start } from './role-world.ts'

test('from measured configuration to a proven answer: attested, sealed models open, receipt certified', async () => {
  const enclave = await start()
  const url = await enclave.ready
  expect((await fetch(`${url}/readyz`)).status).toBe(200)

  const bundle = new Uint8Array(await (await fetch(`${url}/.well-known/sotto/trust`)).arrayBuffer())
  const { verdict, service } = verifyTrustBundle(parseTrustBundle(bundle), enclave.world.policy, {
    now: Math.floor(Date.now() / 1000),
  })
  expect([verdict.ok, service!.keys.map(({ keyId }) => keyId)]).toEqual([true, [7]])

  const models = await ask(enclave, { method: 'GET', path: '/v1/models' })
  expect((JSON.parse(models.text) as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([
    SUMMARIZE.id,
    EMBED.id,
  ])

  const answer = await ask(enclave, json('/v1/embeddings', { model: EMBED.id, input: 'two words' }))
  expect(answer.status).toBe(200)
  const { envelope, salt } = parseReceiptTrailer(answer.trailers[0]![1])
  const certificate = await ask(enclave, { method: 'GET', path: '/sotto/receipt-certificate' })
  const saved = {
    version: 1,
    envelope,
    salt,
    certificate: parseReceiptCertificate(certificate.body),
  } as const
  const { ok, receipt } = verifyReceipt(saved, enclave.world.policy)
  expect(ok).toBe(true)
  const { evidence } = receipt!
  const named = await ask(enclave, {
    method: 'GET',
    path: `/sotto/receipt-certificate?evidence=${evidence}`,
  })
  expect(named.body).toEqual(certificate.body)
  const [request] = enclave.requests
  expect(evidence).toBe(evidenceDigest(request!.evidence))
  // Parties of rooms are passed on to nobody where no room is configured.
  const call = await ask(enclave, json('/v1/rooms/calls', {}))
  expect([call.status, call.text.includes('api_route_not_found')]).toEqual([404, true])
  // Nothing of the inner API exists outside.
  expect((await fetch(`${url}/v1/models`)).status).toBe(404)
})

test('an alias answers as the model it stands for, whose digest the receipt names', async () => {
  const enclave = await start({ config: { aliases: { 'text-embedding-3-small': EMBED.id } } })
  // A request from before the gateway began is refused, and its date is written first.
  await enclave.ready
  const embed = async (model: string): Promise<{ model: string; digest: string }> => {
    const answer = await ask(enclave, json('/v1/embeddings', { model, input: 'two words' }))
    expect(answer.status, answer.text).toBe(200)
    const { payload } = parseDsse(utf8(parseReceiptTrailer(answer.trailers[0]![1]).envelope))
    const receipt = JSON.parse(fromUtf8(payload)) as { model: string }
    return { model: (JSON.parse(answer.text) as { model: string }).model, digest: receipt.model }
  }
  const own = await embed(EMBED.id)
  expect(own).toEqual({ model: EMBED.id, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(await embed('text-embedding-3-small')).toEqual(own)
})

test('parties of rooms are passed on where boards and a room are configured', async () => {
  const rooms = { boards: 'http://127.0.0.1:1', room: 'http://127.0.0.1:1' }
  const enclave = await start({ config: { rooms } })
  await enclave.ready
  const call = await ask(enclave, json('/v1/rooms/calls', {}))
  expect([call.status, call.text.includes('API_INVALID')]).toEqual([400, true])
})

test('it does not run with an alias that leads to no model', async () => {
  const { running } = await start({ config: { aliases: { 'whisper-1': 'whisper-large-v3' } } })
  await expect(running).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('it waits for a KMS that does not answer yet', async () => {
  const enclave = await start({ kmsFailures: 1 })
  expect((await fetch(`${await enclave.ready}/readyz`)).status).toBe(200)
  expect(enclave.refused()).toBe(1)
})

test.each<[string, Change, string]>([
  [
    'a receipt log without a token for the log',
    {
      config: {
        dataUse: { tasks: ['embedding'], retentionSeconds: 0, training: false, receiptLogSeconds: 60 },
      },
    },
    'CONFIG_INVALID',
  ],
  ['a configuration the hardware did not measure', { measured: '{}' }, 'CONFIG_NOT_MEASURED'],
  [
    'a configuration from outside of its image, where evidence has no field for it',
    { policy: asHardware, family: 'nitro' },
    'CONFIG_NOT_MEASURED',
  ],
  ['a policy that admits hardware', { policy: asHardware }, 'ROLE_WRONG_TEE'],
  ['an address others can reach', { config: { listen: { host: '0.0.0.0', port: 0 } } }, 'ROLE_WRONG_TEE'],
  ['a field nobody knows', { config: { logBodies: true } }, 'CONFIG_INVALID'],
  ['models that are not there', { withoutFiles: true }, 'MODEL_UNREADABLE'],
  [
    'a KMS of another genesis',
    { policy: (policy) => ({ ...policy, genesis: 'ab'.repeat(32) }) },
    'RELEASE_KMS_REFUSED',
  ],
  [
    'a KMS that skips a step its policy requires',
    { policy: (policy) => ({ ...policy, require: [...policy.require, 'hardware.gpu'] }) },
    'RELEASE_KMS_REFUSED',
  ],
  ['a KMS of another image', { world: { measurement: 'ee'.repeat(48) } }, 'RELEASE_KMS_REFUSED'],
])('it does not run with %s', async (_, change, code) => {
  const { running, requests } = await start(change)
  await expect(running).rejects.toMatchObject({ code })
  // Keys were released only where every check before held.
  expect(requests).toHaveLength(code === 'MODEL_UNREADABLE' ? 1 : 0)
})

function asHardware(policy: TrustPolicy): TrustPolicy {
  return {
    ...policy,
    require: [...policy.require, 'hardware.cpu-vendor'],
    platforms: [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }],
  }
}
