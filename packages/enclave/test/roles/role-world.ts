import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { concat, toBase64Url } from '@sotto/protocol/bytes'
import { type EvidenceFamily, type ReleaseRequest, releaseRequestDecoder } from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { startServer } from '@sotto/serve/server'
import { type TrustedHardware } from '@sotto/serve/tee'
import { type World, type WorldOptions } from '@sotto/testkit'
import { type TrustPolicy } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { runInference } from '../../src/roles/run-inference.ts'
import { type InnerMessage, openAnswer, type OpenedAnswer, sealedChunks } from '../gateway/parties.ts'
import { EMBED, sealModel, SUMMARIZE } from '../models/sealed-file.ts'
import { createReleaseWorld, type ReleaseWorld, serveLog } from '../release/world.ts'

const ENGINE = fileURLToPath(new URL('../../src/engines/worker/main.ts', import.meta.url))

export interface Change {
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
  env?: Record<string, string>
  /** Content keys that the KMS holds beside those of the models, by artifact. */
  contentKeys?: ReadonlyMap<string, Uint8Array>
  /** What the log answers who appends. */
  append?: (entry: Uint8Array, world: World) => Response
}

export interface Enclave extends ReleaseWorld {
  /** Rejects when the role refuses to run. */
  running: Promise<void>
  /** Resolves with the address once it serves. */
  ready: Promise<string>
  refused: () => number
  /** Ends the role as a signal would; what it started ends with the test in any case. */
  stop: () => Promise<void>
}

/** The whole role in this process; KMS and log behind sockets, as it reaches them in production. */
export async function start(change: Change = {}): Promise<Enclave> {
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
    artifacts: [
      ...sealed.map(({ artifact, contentKey }) => [artifact.id, contentKey] as const),
      ...(change.contentKeys ?? []),
    ].map(([id, contentKey]) => ({ id, contentKey: toBase64Url(contentKey) })),
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
  const log = await startServer(
    async (request) =>
      request.method === 'POST' && change.append
        ? change.append(new Uint8Array(await request.arrayBuffer()), world)
        : serveLog(world, new URL(request.url).pathname),
    { host: '127.0.0.1', port: 0 },
  )
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
  const ofRole: (() => void | Promise<void>)[] = []
  async function stop(): Promise<void> {
    for (const close of ofRole.splice(0).reverse()) await close()
  }
  closers.push(stop)
  const { promise: ready, resolve } = Promise.withResolvers<string>()
  const running = runInference(
    {
      configPath,
      env: change.env ?? {},
      onShutdown: (close) => void ofRole.push(close),
      ready: (urls) => resolve(urls['http']!),
      stop: () => undefined,
    },
    hardware,
    { sandbox: 'best-effort', unmeasuredEngine: ENGINE },
  )
  running.catch(() => undefined)
  return { ...setup, running, ready, refused: () => failures, stop }
}

/** A request through the gateway's socket, encrypted to the key of the world. */
export async function ask(enclave: Enclave, message: InnerMessage): Promise<OpenedAnswer> {
  const key = new OhttpGatewayKey(7, enclave.privateKey, [{ kdfId: 1, aeadId: 1 }])
  const { sealer, parts } = sealedChunks(key, message)
  const response = await fetch(`${await enclave.ready}/ohttp`, {
    method: 'POST',
    headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
    body: concat(...parts) as Uint8Array<ArrayBuffer>,
  })
  return openAnswer(response, sealer)
}

export const json = (path: string, body: object): InnerMessage => ({
  path,
  fields: [
    ['date', new Date().toUTCString()],
    ['content-type', 'application/json'],
  ],
  body: JSON.stringify(body),
})
