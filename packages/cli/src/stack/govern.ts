import {
  type Ballot,
  type MemberSigner,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  signMemberJws,
} from '@sotto/protocol/governance'
import { documentDigest, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { callJson } from './http.ts'

/** A proposal of the local stack is decided within seconds. */
const OPEN_SECONDS = 3600

/** The KMS of a local stack, and its only member. */
export interface OwnKms {
  kmsUrl: string
  genesis: string
  member: MemberSigner
  now: number
}

/** The only member of a local stack proposes something and accepts it. @throws the KMS's own codes */
export async function decideAlone<Kind extends ProposalKind>(
  { kmsUrl, genesis, member, now }: OwnKms,
  kind: Kind,
  body: ProposalBodies[Kind],
  releases: LoggedStatement[] = [],
): Promise<void> {
  const { inForce } = await callJson<{ inForce: { digest: string } }>(`${kmsUrl}/v1/proposals`)
  const proposal = {
    version: 1,
    genesis,
    constitution: inForce.digest,
    kind,
    body,
    createdAt: now,
    expiresAt: now + OPEN_SECONDS,
  } as Proposal
  await callJson(`${kmsUrl}/v1/proposals`, {
    method: 'POST',
    body: JSON.stringify({ proposal: signMemberJws('proposal', proposal, member), releases }),
  })
  const ballot: Ballot = {
    version: 1,
    genesis,
    proposal: documentDigest(proposal),
    choice: 'accept',
    castAt: now,
  }
  await callJson(`${kmsUrl}/v1/ballots`, {
    method: 'POST',
    body: JSON.stringify({ ballot: signMemberJws('ballot', ballot, member) }),
  })
}
