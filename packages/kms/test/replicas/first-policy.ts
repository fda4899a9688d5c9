import type { KmsState } from '@sotto/protocol/evidence'
import { documentDigest, type Genesis } from '@sotto/protocol/keyrelease'
import type { KmsProcess } from '../process/launcher.ts'
import { payloadOf } from '../world.ts'

/** Members propose and accept the first policy of a KMS in another process; its world learns who it is. */
export async function acceptFirstPolicy(kms: KmsProcess): Promise<void> {
  const { genesis } = await kms.call<KmsState>('/v1/genesis')
  const digest = documentDigest(payloadOf<Genesis>(genesis.envelope))
  Object.defineProperty(kms.world, 'genesis', { configurable: true, value: digest })
  // The genesis is the constitution before any other.
  Object.defineProperty(kms.world, 'inForce', { configurable: true, value: { digest } })
  const { proposal, id, voters, releases } = kms.world.proposal()
  await kms.call('/v1/proposals', { proposal, releases })
  for (const voter of voters) {
    const answer = await kms.call<{ error?: unknown }>('/v1/ballots', { ballot: kms.world.ballot(id, voter) })
    if (answer.error !== undefined) throw new Error(`the ballot was refused: ${JSON.stringify(answer)}`)
  }
}
