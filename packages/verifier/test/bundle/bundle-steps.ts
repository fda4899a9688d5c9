import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import { type World } from '@sotto/testkit'
import { verifyTrustBundle, type BundleContext, type BundleResult, type TrustPolicy } from '@sotto/verifier'

export const verify = (
  world: World,
  context: Partial<BundleContext> = {},
  policy: TrustPolicy = world.policy,
): BundleResult =>
  verifyTrustBundle(parseTrustBundle(encodeTrustBundle(world.bundle)), policy, { now: world.now, ...context })
export const failed = ({ verdict }: BundleResult): string[] =>
  verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)
