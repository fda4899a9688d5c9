import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { InForce } from '@sotto/protocol/governance'
import { KmsProcess, type StartChange } from '../process/launcher.ts'
import { KMS_IMAGE } from '../world.ts'

const NEXT_IMAGE = 'f6'.repeat(32)

/** A KMS that runs, one that members let take over from it, and how to start each. */
export interface Upgrade {
  old: KmsProcess
  next: KmsProcess
  /** How the next one is started. */
  change: StartChange
}

/**
 * Members accepted that the next release takes over from this one, over the same store.
 * @param both of each start; absent: a file
 */
export async function prepareUpgrade(both: StartChange = {}): Promise<Upgrade> {
  const old = await KmsProcess.create()
  const next = old.sibling()
  const { world } = old
  await old.start(both)
  const { inForce } = await old.call<{ inForce: InForce }>('/v1/proposals')
  for (const [name, value] of Object.entries({ genesis: inForce.genesis, inForce }))
    Object.defineProperty(world, name, { configurable: true, value })
  const change: StartChange = {
    ...both,
    image: NEXT_IMAGE,
    config: {
      ...both.config,
      peers: [old.url],
      expectGenesis: world.genesis,
      root: { source: 'tee', folder: join(old.directory, 'next') },
    },
  }
  const hostDataOf = (text: string): string => createHash('sha256').update(text).digest('hex')
  const successor = { image: NEXT_IMAGE, hostData: hostDataOf(next.configText(change)) }
  const releases = [
    world.logRelease(world.workload),
    world.logRelease({ image: KMS_IMAGE, hostData: hostDataOf(old.configText(both)) }, { role: 'kms' }),
    world.logRelease(successor, { role: 'kms', version: '2.0.0', securityVersion: 2 }),
  ]
  const policy = world.policy({ anyOf: [world.tuple(), world.tuple(successor, { role: 'kms' })] })
  const { proposal, id, voters } = world.draft('key-release-policy', policy)
  await old.call('/v1/proposals', { proposal, releases })
  for (const voter of voters) await old.call('/v1/ballots', { ballot: world.ballot(id, voter) })
  return { old, next, change }
}
