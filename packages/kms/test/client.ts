import { toBase64Url } from '@sotto/protocol/bytes'
import { composeTrustBundle, type KmsState, type TrustBundle } from '@sotto/protocol/evidence'
import { createLogClient } from '@sotto/serve/log-client'
import {
  ALWAYS_REQUIRED,
  refusingSteps,
  type TrustedService,
  type TrustPolicy,
  verifyTrustBundle,
} from '@sotto/verifier'
import { ROOT, type World } from './world.ts'

/** What a client of this world pins: its genesis, and nothing that members may change afterwards. */
export function trustPolicyOf(world: World, change: Partial<TrustPolicy> = {}): TrustPolicy {
  return {
    version: 1,
    name: 'test',
    require: [...ALWAYS_REQUIRED, 'log.witnesses-independent'],
    genesis: world.genesis,
    releaseKeys: [toBase64Url(world.releaser.publicKey)],
    revoked: [],
    minSecurityVersion: { kms: 1, inference: 1 },
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
    ...change,
  }
}

/** What the KMS of a world publishes now. */
export async function publishedBy(world: World): Promise<KmsState> {
  const { body } = await world.call('/v1/keys')
  return body as unknown as KmsState
}

/** What a KMS publishes, with the proofs of the log for its newest checkpoint. */
export async function bundleOf(world: World, state?: KmsState): Promise<TrustBundle> {
  const { log, witnesses } = world.config
  const reader = createLogClient({ ...log, witnesses, fetch: world.log.fetch })
  const checkpoint = await reader.latest()
  return composeTrustBundle(state ?? (await publishedBy(world)), checkpoint.note, reader.prover(checkpoint))
}

/** The service that a client trusts, or the steps for which it trusts none. */
export function judge(
  world: World,
  bundle: TrustBundle,
  change: Partial<TrustPolicy> = {},
): { service: TrustedService | undefined; refusing: string[] } {
  const { verdict, service } = verifyTrustBundle(bundle, trustPolicyOf(world, change), {
    now: world.log.now(),
  })
  const refusing = refusingSteps(verdict.steps).map(({ name }) => name)
  // A verdict is never both.
  if (verdict.ok !== (refusing.length === 0)) throw new Error(`ok: ${verdict.ok}, but ${refusing.join()}`)
  return { service, refusing }
}
