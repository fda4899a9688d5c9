import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import type { KmsState } from '@sotto/protocol/evidence'
import { HPKE_KEM, kemById, type KemPrivateKey } from '@sotto/protocol/hpke'
import {
  bindReportData,
  decodeDocument,
  documentDigest,
  encodeDocument,
  keySetDecoder,
  PAYLOAD_TYPES,
  releaseInfo,
  wrapSecret,
  type LoggedStatement,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
  evidenceDigest,
} from '@sotto/protocol/keyrelease'
import { tilePath } from '@sotto/protocol/tile-path'
import { checkpointDigest } from '@sotto/protocol/note'
import { encodeKeyConfig } from '@sotto/protocol/ohttp'
import { createLogClient } from '@sotto/serve/log-client'
import { createWorld, fakeSigner, type World, type WorldOptions } from '@sotto/testkit'
import { createReceiptKey } from '../../src/release/receipt-key.ts'
import type { KmsClient } from '../../src/release/kms-client.ts'
import type { ObtainContext } from '../../src/release/obtain.ts'

/** Whose artifacts the KMS of this world holds. */
export const OWNER: string = toBase64Url(new Uint8Array(32).fill(9))

/** What a KMS may do otherwise than honestly when it releases. */
export interface Dishonesty {
  receipt?: (receipt: ReleaseReceipt) => ReleaseReceipt
  released?: (keys: ReleasedKeys) => ReleasedKeys
  /** Wraps to another key. */
  wrapKey?: string
  /** Signs the receipt with another key. */
  signer?: World['signers']['kms']
}

export interface ReleaseWorld {
  world: World
  context: ObtainContext
  /** Requests the KMS got. */
  requests: ReleaseRequest[]
  dishonesty: Dishonesty
  privateKey: KemPrivateKey
  /** The KMS starts again: another statement key, and the next epoch signed with it. */
  restartKms(): Promise<void>
}

const ALGORITHMS = [{ kdfId: 1, aeadId: 1 }]
const plain = ({ envelope, index }: LoggedStatement): LoggedStatement => ({ envelope, index })

/** A world whose one request key we hold, and a KMS in it that releases. */
export async function createReleaseWorld(
  options: WorldOptions = {},
  artifacts: readonly string[] = [],
): Promise<ReleaseWorld> {
  const privateKey = kemById(HPKE_KEM.DHKEM_X25519).generate()
  const config = encodeKeyConfig({
    keyId: 7,
    kemId: HPKE_KEM.DHKEM_X25519,
    publicKey: privateKey.publicKey,
    algorithms: ALGORITHMS,
  })
  const world = await createWorld({
    keys: (policy, now) => [
      { keyId: 7, config: toBase64Url(config), policy, notBefore: now - 50, notAfter: now + 3600 },
    ],
    ...options,
  })
  const { bundle, log } = world
  let state: KmsState = {
    genesis: plain(bundle.genesis),
    certificate: plain(bundle.kms.certificate),
    releases: bundle.releases.map(plain),
    governance: bundle.governance.map(plain),
    policy: plain(bundle.policy),
    keySet: plain(bundle.keySet),
    kms: {
      evidence: bundle.kms.evidence,
      binding: bundle.kms.binding,
      boundCheckpoint: bundle.kms.boundCheckpoint,
    },
  }
  const dishonesty: Dishonesty = {}
  const requests: ReleaseRequest[] = []
  const kms: KmsClient = {
    state: async () => state,
    async release(request) {
      requests.push(request)
      return answer(world, state, request, privateKey, dishonesty)
    },
  }
  const context: ObtainContext = {
    kms,
    log: createLogClient({
      url: 'http://log',
      ...world.policy.log,
      witnesses: { keys: log.witnessKeys, quorum: 2 },
      fetch: async (input) => serveLog(world, new URL(input as string).pathname),
    }),
    hardware: {
      family: 'software',
      collectEvidence: async (reportData) => world.evidence('inference', reportData),
      deriveSealingKey: () => Promise.reject(new Error('no sealing key here')),
    },
    policy: world.policy,
    receiptKey: createReceiptKey(),
    artifacts,
    now: () => world.now,
    observe() {},
  }
  async function restartKms(): Promise<void> {
    state = await restarted(world, state)
  }
  return { world, context, requests, dishonesty, privateKey, restartKms }
}

async function restarted(world: World, state: KmsState): Promise<KmsState> {
  const { log, now, genesisDigest } = world
  const signer = fakeSigner()
  const signingKey = toBase64Url(signer.publicKey)
  const publish = (type: string, document: object, by: World['signers']['kms']): LoggedStatement => {
    const envelope = signDsse(type, encodeDocument(document), [by])
    return { envelope: fromUtf8(envelope), index: log.append(envelope) }
  }
  const certificate = publish(
    PAYLOAD_TYPES.kmsCertificate,
    { version: 1, genesis: genesisDigest, signingKey, notBefore: now - 5, notAfter: now + 86_400 },
    world.signers.root,
  )
  const { payload } = parseDsse(utf8(state.keySet.envelope))
  const set = decodeDocument(payload, keySetDecoder, 'key set')
  const next = { ...set, epoch: set.epoch + 1, previous: documentDigest(set), issuedAt: now }
  const keySet = publish(PAYLOAD_TYPES.keySet, next, signer)
  const boundCheckpoint = await log.checkpoint({ time: now - 40 })
  const binding = { ...state.kms.binding, signingKey, checkpoint: checkpointDigest(boundCheckpoint) }
  const evidence = world.evidence('kms', bindReportData('kms', binding))
  return { ...state, certificate, keySet, kms: { evidence, binding, boundCheckpoint } }
}

/** Answers `GET /log/…` of the world's log. */
export async function serveLog({ log, now }: World, path: string): Promise<Response> {
  if (path === '/log/checkpoint') return new Response(await log.checkpoint({ time: now - 30 }))
  for (let level = 0; level < 2; level++) {
    for (let width = 1; width <= 256; width++) {
      if (path === `/log/${tilePath({ level, index: 0, width })}`) {
        return new Response((await log.readTile({ level, index: 0, width })) as Uint8Array<ArrayBuffer>)
      }
    }
  }
  return new Response(null, { status: 404 })
}

function answer(
  world: World,
  state: KmsState,
  request: ReleaseRequest,
  privateKey: KemPrivateKey,
  dishonesty: Dishonesty,
): ReleaseResponse {
  const { log, signers, genesisDigest, keyPolicyDigest, now } = world
  const evidence = evidenceDigest(request.evidence)
  const honest: ReleaseReceipt = {
    version: 1,
    genesis: genesisDigest,
    epoch: 1,
    keyIds: [7],
    policy: keyPolicyDigest,
    tuple: 'inference',
    evidence,
    hardware: ['software'],
    receiptKey: request.binding.receiptKey,
    ...(request.artifacts.length > 0 && {
      artifacts: request.artifacts.map((id) => ({ id, owner: OWNER, policy: keyPolicyDigest })),
    }),
    issuedAt: now,
    notAfter: now + 3600,
  }
  const receipt = (dishonesty.receipt ?? ((same) => same))(honest)
  const envelope = signDsse(PAYLOAD_TYPES.releaseReceipt, encodeDocument(receipt), [
    dishonesty.signer ?? signers.kms,
  ])
  const index = log.append(envelope)
  const released: ReleasedKeys = (dishonesty.released ?? ((same) => same))({
    keys: [{ keyId: 7, privateKey: toBase64Url(privateKey.export()) }],
    artifacts: request.artifacts.map((id) => ({ id, contentKey: toBase64Url(crypto.sha256(utf8(id))) })),
  })
  const info = releaseInfo({ genesis: genesisDigest, policy: keyPolicyDigest, evidence })
  return {
    keySet: state.keySet,
    policy: state.policy,
    receipt: { envelope: fromUtf8(envelope), index },
    ...wrapSecret(dishonesty.wrapKey ?? request.binding.wrapKey, info, encodeDocument(released)),
  }
}
