import type { InForce, ProposalKind } from './types.ts'

/**
 * Accepting ballots that a proposal of this kind takes. Where nothing is said about owners, they are decided on as the
 * policies are: both say whose secrets this KMS gives to whom.
 */
export function majorityOf({ majorities }: Pick<InForce, 'majorities'>, kind: ProposalKind): number {
  return majorities[kind] ?? majorities['key-release-policy']
}
