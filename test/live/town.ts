import { toBase64Url } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { encodeKeyConfig, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { connect, type ConnectOptions, type Sotto } from '@sotto/client'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { createWorld, type World } from '@sotto/testkit'
import { EDGE_STATUSES } from '../../packages/edge/src/errors.ts'
import {
  createNodeUpstream,
  createRelay,
  DEFAULT_RELAY_LIMITS,
  type RelayLimits,
} from '../../packages/edge/src/relay/index.ts'
import { createApi, type ServedModel } from '../../packages/enclave/src/api/index.ts'
import { createWaitingRoom } from '../../packages/enclave/src/ram/waiting-room.ts'
import { certify } from '../../packages/client/test/support/service.ts'
import { IDENTITY, openGateway, SIGNER } from '../../packages/enclave/test/gateway/parties.ts'

/** Relay, gateway and API of this process on real sockets, with one model. */
export interface LiveTown {
  world: World
  relay: RunningServer
  /** Codes of what relay and gateway refused. */
  errors: string[]
  connect(options?: Partial<ConnectOptions>): Promise<Sotto>
  close(): Promise<void>
}

/** @param transcribe the model; `browserOrigins` may use the relay */
export async function openLiveTown(
  transcribe: NonNullable<ServedModel['transcribe']>,
  browserOrigins: string[] = [],
  limits: Partial<RelayLimits> = {},
): Promise<LiveTown> {
  const key = new OhttpGatewayKey(7, kemById(HPKE_KEM.X_WING).generate(), [
    { kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM },
  ])
  const now = Math.floor(Date.now() / 1000)
  const world = await createWorld({
    now,
    keys: (policy, time) => [
      {
        keyId: 7,
        config: toBase64Url(encodeKeyConfig(key.config)),
        policy,
        notBefore: time - 50,
        notAfter: time + 3600,
      },
    ],
  })
  const model: ServedModel = {
    id: 'listener',
    task: 'transcription',
    digest: 'd'.repeat(64),
    loadedAt: now,
    transcribe,
  }
  const api = createApi({
    models: { list: () => [model], aliases: {} },
    clock: { now: () => now, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes: 2 ** 30,
    waitingRoom: createWaitingRoom({ maxFiles: 4, maxBytes: 2 ** 24 }),
  })
  const errors: string[] = []
  const bundle = encodeTrustBundle(world.bundle)
  const certificate = await certify(world, [7], toBase64Url(SIGNER.publicKey), IDENTITY.evidence)
  const inner: typeof api = async (request) =>
    new URL(request.url).pathname === '/sotto/receipt-certificate'
      ? new Response(certificate as Uint8Array<ArrayBuffer>)
      : api(request)
  const { app, keys } = openGateway(inner, {
    trustBundle: () => bundle,
    modelOf: () => 'c3'.repeat(32),
    identity: () => ({ ...IDENTITY, genesis: world.genesisDigest }),
    onError: (code) => errors.push(code),
  })
  keys.install([{ key, policy: world.keyPolicyDigest, notAfter: now + 3600 }])
  const loopback = { host: '127.0.0.1', port: 0, drainMs: 200 }
  const gateway = await startServer(app, loopback)
  const relaying = createRelay({
    config: {
      gateways: { inference: gateway.url },
      log: undefined,
      documentSeconds: 15,
      browserOrigins,
      limits: { ...DEFAULT_RELAY_LIMITS, ...limits },
    },
    upstream: createNodeUpstream(),
    onError: (code) => errors.push(code),
  })
  const relay = await startServer(relaying.app, {
    ...loopback,
    statuses: EDGE_STATUSES,
    webSockets: relaying.webSockets,
  })
  return {
    world,
    relay,
    errors,
    connect: (options = {}) => connect(relay.url, { policy: world.policy, ...options }),
    async close() {
      await Promise.all([relay.close(), gateway.close()])
    },
  }
}
