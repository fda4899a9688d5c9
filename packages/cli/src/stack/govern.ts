import { type Ballot, type MemberSigner, type ProposalOf, signMemberJws } from '@sotto/protocol/governance'
import { documentDigest, type KeyReleasePolicy, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { callJson } from './http.ts'

/** A proposal of the local stack is decided within seconds. */
const OPEN_SECONDS = 3600

/** The only member of a local stack proposes a key-release policy and accepts it. @throws the KMS's own codes */
export async function acceptPolicy(options: {
  kmsUrl: string
  policy: KeyReleasePolicy
  releases: LoggedStatement[]
  member: MemberSigner
  now: number
}): Promise<void> {
  const { kmsUrl, policy, releases, member, now } = options
  const { inForce } = await callJson<{ inForce: { digest: string } }>(`${kmsUrl}/v1/proposals`)
  const proposal: ProposalOf<'key-release-policy'> = {
    version: 1,
    genesis: policy.genesis,
    constitution: inForce.digest,
    kind: 'key-release-policy',
    body: policy,
    createdAt: now,
    expiresAt: now + OPEN_SECONDS,
  }
  await callJson(`${kmsUrl}/v1/proposals`, {
    method: 'POST',
    body: JSON.stringify({ proposal: signMemberJws('proposal', proposal, member), releases }),
  })
  const ballot: Ballot = {
    version: 1,
    genesis: policy.genesis,
    proposal: documentDigest(proposal),
    choice: 'accept',
    castAt: now,
  }
  await callJson(`${kmsUrl}/v1/ballots`, {
    method: 'POST',
    body: JSON.stringify({ ballot: signMemberJws('ballot', ballot, member) }),
  })
}
