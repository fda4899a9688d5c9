import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { KmsState } from '@sotto/protocol/evidence'
import {
  type AdmittedOwner,
  type Ballot,
  type Constitution,
  type Hold,
  type InForce,
  type MemberSigner,
  memberSigner,
  parseDecision,
  parseMemberJws,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  signMemberJws,
} from '@sotto/protocol/governance'
import { documentDigest, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { type Kms, keysDocument } from '../src/core/index.ts'
import { inForceOf } from '../src/governance/index.ts'

export const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
export const signer = (n: number) => ({
  secretSeed: seed(n),
  publicKey: crypto.ed25519.importPrivate(seed(n)).publicKey,
})

/** Whoever votes in a test. */
export type Voter = ReturnType<typeof signer>

/** A signed proposal, with those who are going to vote for it. */
export interface Draft {
  proposal: string
  id: string
  voters: Voter[]
  releases: LoggedStatement[]
}

export function memberOf({ secretSeed }: Voter): MemberSigner {
  return memberSigner('EdDSA', secretSeed)
}

/** Digest of the policy that a decision is about. */
export function policyDigestOf(decision: string): string {
  const { document } = parseMemberJws(parseDecision(utf8(decision)).decision.proposal, 'proposal')
  return documentDigest(document.body)
}

/** What the members of a world sign, and send. */
export abstract class Members {
  /** Unix seconds. */
  abstract now: number
  abstract kms: Kms
  abstract readonly members: Voter[]

  get genesis(): string {
    return this.kms.view.state.identity!.digest
  }

  /** What a member proposes; change it before it is signed. */
  draft<Kind extends ProposalKind>(
    kind: Kind,
    body: ProposalBodies[Kind],
    voters: Voter[] = this.members.slice(0, 2),
    change: Partial<Proposal> = {},
  ): Draft {
    const document = {
      version: 1,
      genesis: this.genesis,
      constitution: this.inForce.digest,
      kind,
      body,
      createdAt: this.now,
      expiresAt: this.now + 14 * 86_400,
      ...change,
    } as Proposal
    const proposal = signMemberJws('proposal', document, memberOf(voters[0]!))
    return { proposal, id: documentDigest(document), voters, releases: [] }
  }

  ballot(
    id: string,
    voter: Voter = this.members[0]!,
    choice: Ballot['choice'] = 'accept',
    change: Partial<Ballot> = {},
  ): string {
    const document: Ballot = {
      version: 1,
      genesis: this.genesis,
      proposal: id,
      choice,
      castAt: this.now,
      ...change,
    }
    return signMemberJws('ballot', document, memberOf(voter))
  }

  hold(voter: Voter = this.members[0]!, change: Partial<Hold> = {}): string {
    const document: Hold = {
      version: 1,
      genesis: this.genesis,
      reason: 'test',
      createdAt: this.now,
      ...change,
    }
    return signMemberJws('hold', document, memberOf(voter))
  }

  /** Proposes, and lets everybody vote who is to. */
  async decide({ proposal, id, voters, releases }: Draft): Promise<void> {
    // Tried again after a decision that was reported as failed, it is closed, and the votes are known.
    await this.kms.propose({ proposal, releases }).catch((error: { code?: string; found?: string }) => {
      if (error.code !== 'KMS_PROPOSAL_CLOSED' || error.found !== 'accepted') throw error
    })
    for (const voter of voters) await this.kms.vote(this.ballot(id, voter))
  }

  /** Members let these owners keep content keys. */
  async admitOwners(owners: readonly AdmittedOwner[] = [this.owner()]): Promise<void> {
    await this.decide(this.draft('owners', { owners: [...owners] }))
  }

  /** The owner of this world's imports, as members admit one. */
  owner(key = signer(50), artifacts = 8): AdmittedOwner {
    const publicKey = toBase64Url(key.publicKey)
    return { name: `owner ${publicKey.slice(0, 8)}`, key: publicKey, artifacts }
  }

  async acceptPolicy(draft: Draft): Promise<KmsState> {
    await this.decide(draft)
    return keysDocument(this.kms.view)
  }

  /** One member is enough to rotate. */
  rotation(epoch: number = this.kms.view.state.epoch!.number, voter: Voter = this.members[0]!): Draft {
    return this.draft('rotate', { epoch }, [voter])
  }

  async rotate(draft: Draft = this.rotation()): Promise<void> {
    await this.decide(draft)
  }

  /** The constitution after the one in force. */
  constitution(change: Partial<Constitution> = {}): Constitution {
    const { genesis, digest, sequence, members, majorities, releaseKeys, rotation } = this.inForce
    return {
      version: 1,
      genesis,
      sequence: sequence + 1,
      previous: digest,
      members,
      majorities,
      releaseKeys,
      rotation,
      createdAt: this.now,
      ...change,
    }
  }

  get inForce(): InForce {
    return inForceOf(this.kms.view.state)
  }
}
