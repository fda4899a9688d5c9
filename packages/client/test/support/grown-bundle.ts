import type { TrustBundle } from '@sotto/protocol/evidence'
import type { World } from '@sotto/testkit'

/** A bundle that another checkpoint of a grown log proves. */
export async function bundleAtHead(world: World): Promise<TrustBundle> {
  const size = world.log.size
  const prove = async (envelope: string): Promise<TrustBundle['genesis']> =>
    world.log.prove(new TextEncoder().encode(envelope), size)
  const { bundle } = world
  return {
    ...bundle,
    checkpoint: await world.log.checkpoint({ time: world.now - 10 }),
    genesis: await prove(bundle.genesis.envelope),
    kms: {
      ...bundle.kms,
      consistency: await world.log.consistency(Number(bundle.kms.boundCheckpoint.split('\n')[1])),
      certificate: await prove(bundle.kms.certificate.envelope),
    },
    releases: await Promise.all(bundle.releases.map((one) => prove(one.envelope))),
    governance: await Promise.all(bundle.governance.map((one) => prove(one.envelope))),
    policy: await prove(bundle.policy.envelope),
    keySet: await prove(bundle.keySet.envelope),
  }
}
