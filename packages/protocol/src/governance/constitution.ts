import { documentDigest } from '../keyrelease/documents.ts'
import type { Digest, Genesis } from '../keyrelease/types.ts'
import { verifyDecision } from './decision.ts'
import { governanceError } from './errors.ts'
import type { Constitution, InForce } from './types.ts'

/** What a genesis says in the place of a constitution: number 0. */
export function genesisInForce(genesis: Genesis, digest: Digest): InForce {
  const { members, threshold, releaseKeys, rotation } = genesis
  return {
    genesis: digest,
    digest,
    sequence: 0,
    members,
    majorities: {
      'key-release-policy': threshold,
      constitution: threshold,
      rotate: 1,
      resume: threshold,
      custodians: threshold,
      'rotate-root': threshold,
    },
    releaseKeys,
    rotation,
  }
}

/** What is in force under a constitution that members accepted. */
export function constitutionInForce(constitution: Constitution): InForce {
  const { genesis, sequence, members, majorities, releaseKeys, rotation } = constitution
  return {
    genesis,
    digest: documentDigest(constitution),
    sequence,
    members,
    majorities,
    releaseKeys,
    rotation,
  }
}

/**
 * Every constitution from the genesis to the newest that these decisions lead to, oldest first. Each was
 * accepted by members of the one before it: a member that was replaced says nothing about what came later.
 *
 * @param decisions envelopes of decisions about constitutions, oldest first
 * @throws `GOVERNANCE_SUCCESSION` (stop), and the codes of `verifyDecision`
 */
export function followConstitutions(genesis: InForce, decisions: readonly Uint8Array[]): InForce[] {
  const chain: InForce[] = [genesis]
  let decided = 0
  for (const envelope of decisions) {
    const before = chain.at(-1)!
    // Only the members in force decide what comes next.
    const { proposal, sequence } = verifyDecision(envelope, [before])
    if (proposal.kind !== 'constitution') throw outOfOrder('a constitution', proposal.kind)
    if (proposal.body.sequence !== before.sequence + 1)
      throw outOfOrder(`constitution ${before.sequence + 1}`, `${proposal.body.sequence}`)
    if (sequence <= decided) throw outOfOrder(`a decision after ${decided}`, `${sequence}`)
    decided = sequence
    chain.push(constitutionInForce(proposal.body))
  }
  return chain
}

function outOfOrder(expected: string, found: string): Error {
  return governanceError('GOVERNANCE_SUCCESSION', 'a constitution does not follow from the one before it', {
    expected,
    found,
  })
}
