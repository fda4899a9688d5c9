/**
 * How members govern a KMS. They sign compact JWS (RFC 7515); the KMS writes each into the log, one record
 * after the other, and each outcome as a decision that carries its own proof: the ballots.
 */
import type { Custodian } from '../custody/types.ts'
import type {
  Digest,
  Ed25519Key,
  KeyReleasePolicy,
  Member,
  MemberKey,
  RotationPolicy,
  UnixSeconds,
} from '../keyrelease/types.ts'

/** `typ` of what members sign. It is inside the signature, so a ballot can never pose as a hold. */
export const MEMBER_JWS_TYPES = {
  proposal: 'application/vnd.sotto.proposal+json',
  ballot: 'application/vnd.sotto.ballot+json',
  hold: 'application/vnd.sotto.hold+json',
} as const

/** What a member may sign. */
export type MemberJwsType = keyof typeof MEMBER_JWS_TYPES

/** Previous digest of the first record and of the first decision. */
export const NOTHING_BEFORE: Digest = '0'.repeat(64)
/** A proposal is open for at most 90 days. */
export const MAX_OPEN_SECONDS: number = 90 * 86_400
/** Most owners admitted at once: with their names and keys they fit one ballot's proposal. */
export const MAX_OWNERS = 64
/** Most artifacts one KMS holds keys for, and so most of one owner. */
export const MAX_OWNED_ARTIFACTS = 1024
/** Most constitutions one genesis ever has: a bundle carries them all. */
export const MAX_CONSTITUTIONS = 32
/** Longest JWS: with the ballots of every member it fits one log entry. */
export const MAX_MEMBER_JWS_CHARACTERS = 37_632

/** What can be proposed, and what each proposal says. */
export interface ProposalBodies {
  'key-release-policy': KeyReleasePolicy
  constitution: Constitution
  /** New request keys now, after this epoch: worth nothing once it has been followed. */
  rotate: { epoch: number }
  /** Ends one hold. */
  resume: { hold: Digest }
  /** Shares the root key anew. */
  custodians: { threshold: number; custodians: Custodian[] }
  /** A new root key after this generation. */
  'rotate-root': { generation: number }
  /** Who may keep content keys of sealed artifacts here, in the place of those before. Nobody may be listed. */
  owners: { owners: AdmittedOwner[] }
}

/** Somebody whose content keys the KMS takes: a model owner. */
export interface AdmittedOwner {
  /** For people, 1-64 characters, unique. */
  name: string
  /** Signs imports and removals; unique. */
  key: Ed25519Key
  /** Artifacts this owner may have keys of at once, 1 to 1024. */
  artifacts: number
}

/** Kind of a proposal. */
export type ProposalKind = keyof ProposalBodies

/**
 * Who decides what: the genesis until members accept another one, and so on. A constitution is named by the
 * SHA-256 of its canonical bytes; number 0 is the genesis, where every majority is `threshold` and one
 * member may rotate.
 */
export interface Constitution {
  version: 1
  genesis: Digest
  /** 1 to 32. */
  sequence: number
  /** Digest of the constitution before; of the genesis for the first. */
  previous: Digest
  /** 1-16, names and keys distinct. */
  members: Member[]
  /**
   * Accepting ballots that each kind takes: at least 1, at most all members. Constitutions older than `owners` do not
   * name it: see `majorityOf`.
   */
  majorities: Record<Exclude<ProposalKind, 'owners'>, number> & { owners?: number }
  /** Keys whose release statements the KMS accepts when a policy is proposed. */
  releaseKeys: Ed25519Key[]
  rotation: RotationPolicy
  createdAt: UnixSeconds
}

/** What a member proposes. Its identifier is the SHA-256 of the payload bytes. A proposal is no vote. */
export type Proposal = { [Kind in ProposalKind]: ProposalOf<Kind> }[ProposalKind]

/** A proposal of one kind. */
export interface ProposalOf<Kind extends ProposalKind> {
  version: 1
  genesis: Digest
  /** The constitution in force: under another one nobody counts its ballots. */
  constitution: Digest
  kind: Kind
  body: ProposalBodies[Kind]
  createdAt: UnixSeconds
  /** At most {@link MAX_OPEN_SECONDS} later. */
  expiresAt: UnixSeconds
}

/** One member's vote on one proposal. The first counts; a member who voted cannot vote otherwise. */
export interface Ballot {
  version: 1
  genesis: Digest
  /** Identifier of the proposal. */
  proposal: Digest
  choice: 'accept' | 'reject'
  castAt: UnixSeconds
}

/** One member stops the release of keys, at once. Its identifier is the SHA-256 of its header and payload. */
export interface Hold {
  version: 1
  genesis: Digest
  /** For people, 1-256 characters. */
  reason: string
  createdAt: UnixSeconds
}

/** One entry of the members' history, as the KMS logs it: whole, ordered, without a silent fork. */
export interface GovernanceRecord {
  version: 1
  genesis: Digest
  /** 1 for the first. */
  sequence: number
  /** Digest of the record before; 64 zeros for the first. */
  previous: Digest
  entry: { type: MemberJwsType; jws: string }
}

/**
 * What members decided. Whoever knows the members sees from it alone that enough of them accepted exactly
 * this proposal; the signature of the KMS around it says in which order.
 */
export interface Decision {
  version: 1
  genesis: Digest
  /** 1 for the first. */
  sequence: number
  /** Digest of the decision before; 64 zeros for the first. */
  previous: Digest
  /** The proposal as its author signed it. */
  proposal: string
  /** Accepting ballots of distinct members, at least the majority. */
  ballots: string[]
}

/** What is in force: a constitution, or what the genesis says in the place of one. */
export interface InForce extends Pick<
  Constitution,
  'sequence' | 'members' | 'majorities' | 'releaseKeys' | 'rotation'
> {
  genesis: Digest
  /** Of the constitution; of the genesis for number 0. */
  digest: Digest
}

/** A member's key that signs. */
export interface MemberSigner {
  readonly key: MemberKey
  sign(message: Uint8Array): Uint8Array
}
