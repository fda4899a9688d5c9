import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { concat, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import {
  evidenceDigest,
  type EvidenceFamily,
  type ReleaseRequest,
  releaseRequestDecoder,
} from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { parseReceiptCertificate, parseReceiptTrailer } from '@sotto/protocol/receipts'
import { startServer } from '@sotto/serve/server'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { WorldOptions } from '@sotto/testkit'
import { type TrustPolicy, verifyReceipt, verifyTrustBundle } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { runInference } from '../../src/roles/run-inference.ts'
import { type InnerMessage, openAnswer, type OpenedAnswer, sealedChunks } from '../gateway/parties.ts'
import { EMBED, sealModel, SUMMARIZE } from '../models/sealed-file.ts'
import { createReleaseWorld, type ReleaseWorld, serveLog } from '../release/world.ts'

const ENGINE = fileURLToPath(new URL('../../src/engines/worker/main.ts', import.meta.url))

interface Change {
  world?: WorldOptions
  policy?: (policy: TrustPolicy) => TrustPolicy
  config?: object
  /** Configuration bytes the hardware vouches for, instead of the real ones. */
  measured?: string
  /** What the processor is instead of the software TEE. */
  family?: EvidenceFamily
  /** Model files that are gone. */
  withoutFiles?: boolean
  /** Answers of the KMS before it works. */
  kmsFailures?: number
}

interface Enclave extends ReleaseWorld {
  /** Rejects when the role refuses to run. */
  running: Promise<void>
  /** Resolves with the address once it serves. */
  ready: Promise<string>
  refused: () => number
}

/** The whole role in this process; KMS and log behind sockets, as it reaches them in production. */
async function start(change: Change = {}): Promise<Enclave> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-role-'))
  const closers: (() => void | Promise<void>)[] = [() => rm(folder, { recursive: true })]
  onTestFinished(async () => {
    for (const close of closers.reverse()) await close()
  })
  const sealed = [await sealModel(folder, EMBED), await sealModel(folder, SUMMARIZE)]
  const setup = await createReleaseWorld({ now: Math.floor(Date.now() / 1000), ...change.world })
  const { world, context, dishonesty } = setup
  dishonesty.released = (keys) => ({
    ...keys,
    artifacts: sealed.map(({ artifact, contentKey }) => ({
      id: artifact.id,
      contentKey: toBase64Url(contentKey),
    })),
  })
  let failures = 0
  const kms = await startServer(
    async (request) => {
      if (failures < (change.kmsFailures ?? 0)) return new Response(null, { status: (failures++, 503) })
      if (new URL(request.url).pathname === '/v1/keys') return Response.json(await context.kms.state())
      const asked: ReleaseRequest = releaseRequestDecoder(await request.json(), 'request')
      return Response.json(await context.kms.release(asked))
    },
    { host: '127.0.0.1', port: 0 },
  )
  const log = await startServer((request) => serveLog(world, new URL(request.url).pathname), {
    host: '127.0.0.1',
    port: 0,
  })
  closers.push(
    () => kms.close(),
    () => log.close(),
  )
  const config = JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    kms: { url: kms.url },
    log: { url: log.url },
    policy: (change.policy ?? ((same) => same))(world.policy),
    models: {
      directory: change.withoutFiles ? join(folder, 'gone') : folder,
      artifacts: sealed.map(({ artifact }) => artifact),
    },
    ...change.config,
  })
  const configPath = join(folder, 'inference.json')
  await writeFile(configPath, config)
  const hostData = createHash('sha256')
    .update(change.measured ?? config)
    .digest('hex')
  const { family = 'software' } = change
  const hardware: TrustedHardware = {
    ...context.hardware,
    family,
    async collectEvidence(reportData) {
      const { measurement } = world.images.inference
      const report = { measurement, hostData, reportData, chipId: new Uint8Array(64) }
      const evidence = toBase64Url(signSoftwareReport(report, world.root.privateKey))
      return [{ family, evidence, collateral: { root: toBase64Url(world.root.publicKey) } }]
    },
  }
  const { promise: ready, resolve } = Promise.withResolvers<string>()
  const running = runInference(
    {
      configPath,
      env: {},
      onShutdown: (close) => void closers.push(close),
      ready: (urls) => resolve(urls['http']!),
      stop: () => undefined,
    },
    hardware,
    { sandbox: 'best-effort', unmeasuredEngine: ENGINE },
  )
  running.catch(() => undefined)
  return { ...setup, running, ready, refused: () => failures }
}

/** A request through the gateway's socket, encrypted to the key of the world. */
async function ask(enclave: Enclave, message: InnerMessage): Promise<OpenedAnswer> {
  const key = new OhttpGatewayKey(7, enclave.privateKey, [{ kdfId: 1, aeadId: 1 }])
  const { sealer, parts } = sealedChunks(key, message)
  const response = await fetch(`${await enclave.ready}/ohttp`, {
    method: 'POST',
    headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
    body: concat(...parts) as Uint8Array<ArrayBuffer>,
  })
  return openAnswer(response, sealer)
}

const json = (path: string, body: object): InnerMessage => ({
  path,
  fields: [
    ['date', new Date().toUTCString()],
    ['content-type', 'application/json'],
  ],
  body: JSON.stringify(body),
})

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
