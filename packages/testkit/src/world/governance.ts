import { signDsse, type DsseSigner } from '@sotto/protocol/dsse'
import {
  type Ballot,
  type Constitution,
  constitutionInForce,
  type Decision,
  type InForce,
  memberSigner,
  NOTHING_BEFORE,
  parseDecision,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  signMemberJws,
} from '@sotto/protocol/governance'
import { documentDigest, encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'

/** One decision of members, honest where nothing is changed. */
export interface DecisionOptions<Kind extends ProposalKind = ProposalKind> {
  inForce: InForce
  kind: Kind
  body: ProposalBodies[Kind]
  /** Ed25519 keys; the first one proposes. */
  voters: readonly DsseSigner[]
  /** Signs the envelope. */
  kms: DsseSigner
  now: number
  sequence?: number
  previous?: string
  /** Changes before they are signed. */
  proposal?: (proposal: Proposal) => Proposal
  ballot?: (ballot: Ballot, index: number) => Ballot
  decision?: (decision: Decision) => Decision
}

/** Proposal, ballots and decision in one: what a KMS logs once enough members voted. */
export function decide<Kind extends ProposalKind>(options: DecisionOptions<Kind>): Uint8Array {
  const { inForce, kind, body, voters, kms, now, sequence = 1, previous = NOTHING_BEFORE } = options
  const same = <T>(value: T): T => value
  const proposal = (options.proposal ?? same)({
    version: 1,
    genesis: inForce.genesis,
    constitution: inForce.digest,
    kind,
    body,
    createdAt: now - 20,
    expiresAt: now + 1000,
  } as Proposal)
  const signers = voters.map(({ secretSeed }) => memberSigner('EdDSA', secretSeed))
  const id = documentDigest(proposal)
  const decision = (options.decision ?? same)({
    version: 1,
    genesis: inForce.genesis,
    sequence,
    previous,
    proposal: signMemberJws('proposal', proposal, signers[0]!),
    ballots: signers.map((signer, index) => {
      const ballot: Ballot = {
        version: 1,
        genesis: inForce.genesis,
        proposal: id,
        choice: 'accept',
        castAt: now - 10,
      }
      return signMemberJws('ballot', (options.ballot ?? same)(ballot, index), signer)
    }),
  })
  return signDsse(PAYLOAD_TYPES.decision, encodeDocument(decision), [kms])
}

/** One step from a constitution to the next. */
export interface SuccessionStep {
  change: (constitution: Constitution) => Constitution
  /** Who accepts it: members of the one before. Default: all that the world has. */
  voters?: readonly DsseSigner[]
}

/** The decisions that lead from what is in force through these steps, and what is in force then. */
export function succeed(
  from: InForce,
  steps: readonly SuccessionStep[],
  by: Pick<DecisionOptions, 'voters' | 'kms' | 'now'>,
): { decisions: Uint8Array[]; inForce: InForce; previous: string } {
  let inForce = from
  let previous: string = NOTHING_BEFORE
  const decisions = steps.map(({ change, voters = by.voters }, index) => {
    const { genesis, digest, members, majorities, releaseKeys, rotation } = inForce
    const body = change({
      version: 1,
      genesis,
      sequence: inForce.sequence + 1,
      previous: digest,
      members,
      majorities,
      releaseKeys,
      rotation,
      createdAt: by.now - 70,
    })
    const envelope = decide({
      ...by,
      inForce,
      kind: 'constitution',
      body,
      voters,
      sequence: index + 1,
      previous,
      now: by.now - 60,
    })
    inForce = constitutionInForce(body)
    previous = parseDecision(envelope).digest
    return envelope
  })
  return { decisions, inForce, previous }
}
