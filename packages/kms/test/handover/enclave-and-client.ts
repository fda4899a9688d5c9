import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { composeTrustBundle, type KmsState } from '@sotto/protocol/evidence'
import { kemById } from '@sotto/protocol/hpke'
import type { ReleasedKeys, ReleaseResponse } from '@sotto/protocol/keyrelease'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener, parseKeyConfig } from '@sotto/protocol/ohttp'
import { createLogClient } from '@sotto/serve/log-client'
import { ALWAYS_REQUIRED, type TrustedService, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import type { KmsProcess } from '../process/launcher.ts'
import { Enclave, payloadOf, ROOT, type World } from '../world.ts'

/** What a client accepts that knows nothing of an upgrade. */
function trustPolicyOf(world: World, minSecurityVersion = { kms: 1, inference: 1 }): TrustPolicy {
  return {
    version: 1,
    name: 'client',
    require: [...ALWAYS_REQUIRED],
    genesis: world.genesis,
    releaseKeys: [toBase64Url(world.releaser.publicKey)],
    revoked: [],
    minSecurityVersion,
    log: { origin: world.log.origin, key: world.log.key },
    witnesses: {
      keys: world.log.witnessKeys.map((key, n) => ({ key, organisation: `org-${n}`, operator: false })),
      quorum: 2,
      allowOperatorWitnesses: false,
    },
    platforms: [{ name: 'software', allOf: [{ family: 'software', roots: [ROOT] }] }],
    kems: ['X-Wing', 'X25519'],
    evidenceMaxAgeSeconds: 86_400,
    checkpointMaxAgeSeconds: 3600,
  }
}

/** The verdict of a client on what a KMS publishes. */
export async function verifyAsClient(
  world: World,
  state: KmsState,
  minSecurityVersion?: TrustPolicy['minSecurityVersion'],
): Promise<{ service: TrustedService | undefined; failed: string[] }> {
  const { origin, key, witnessKeys, fetch } = world.log
  const log = createLogClient({
    url: 'http://log.test',
    origin,
    key,
    witnesses: { keys: witnessKeys, quorum: 2 },
    fetch,
  })
  const checkpoint = await log.latest()
  const bundle = await composeTrustBundle(state, checkpoint.note, {
    inclusion: (entry, index) => log.proveInclusion(entry, index, checkpoint),
    consistency: (older) => log.proveConsistency(older, checkpoint),
  })
  const policy = trustPolicyOf(world, minSecurityVersion)
  const { verdict, service } = verifyTrustBundle(bundle, policy, { now: world.log.now() })
  const failed = verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)
  return { service, failed }
}

/** Asks a KMS for its keys, as an enclave. */
export async function obtainKeys(kms: KmsProcess): Promise<ReleasedKeys['keys']> {
  const enclave = new Enclave(kms.world.workload)
  const request = await enclave.request(kms.world)
  const response = await kms.call<ReleaseResponse>('/v1/release', request)
  return enclave.open(request, response, kms.world.genesis).keys
}

/** One request sealed to the key a client prefers, opened by whoever holds these keys. */
export function sendThrough(
  { keys }: TrustedService,
  keySet: string,
  held: ReleasedKeys['keys'],
  content: string,
): string {
  const config = parseKeyConfig(keys[0]!.config)
  const sealer = new OhttpClientKey(config, config.algorithms[0]!).request()
  const published = payloadOf<{ keys: { keyId: number; config: string }[] }>(keySet).keys
  const gatewayKeys = held.map(({ keyId, privateKey }) => {
    const { kemId, algorithms } = parseKeyConfig(
      fromBase64Url(published.find((key) => key.keyId === keyId)!.config),
    )
    return new OhttpGatewayKey(keyId, kemById(kemId).importPrivate(fromBase64Url(privateKey)), algorithms)
  })
  const opener = new OhttpRequestOpener({
    isChunked: true,
    findKey: (keyId) => gatewayKeys[held.findIndex((key) => key.keyId === keyId)],
  })
  const pieces = sealer.end(utf8(content)).flatMap((piece) => opener.push(piece))
  return Buffer.concat([...pieces, ...opener.finish()]).toString()
}
