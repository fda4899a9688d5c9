import type { KmsState } from '@sotto/protocol/evidence'
import { bundleOf, judge, publishedBy } from '../client.ts'
import { seed, World } from '../world.ts'
import { PersistentRoot } from './persistent-root.ts'

export const SECRET: Uint8Array = seed(91)

/** The steps of a client that refuse what the KMS publishes now; `change` is what the operator does to it. */
export async function refusingSteps(
  world: World,
  change: (state: KmsState) => KmsState = (state) => state,
): Promise<string[]> {
  return judge(world, await bundleOf(world, change(await publishedBy(world)))).refusing
}

/** A KMS that has accepted a policy, over a root that can be replaced. */
export async function rotatable(root = new PersistentRoot(SECRET)): Promise<World> {
  const world = new World()
  world.root = root.obtain()
  await world.start()
  await world.acceptPolicy(world.proposal())
  return world
}

export const rotateRoot = (world: World, generation = 1): Promise<void> =>
  world.decide(world.draft('rotate-root', { generation }))
