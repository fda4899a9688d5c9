import type { Jwk } from '@sotto/protocol/jose'
import type { Certificate, PublicKey } from '@sotto/protocol/x509'
import type { EvidenceInput, FieldValue } from '../family/index.ts'
import type { ConfidentialSpacePolicy } from './policy.ts'
import type { ConfidentialSpaceToken } from './token.ts'

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface ConfidentialSpaceFacts {
  input: EvidenceInput<ConfidentialSpacePolicy>
  policy: ConfidentialSpacePolicy
  roots: readonly Certificate[]
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>
  validUntil?: number
  /** Structure only. */
  token?: ConfidentialSpaceToken
  /** Keys of the set that was given, by `kid`; empty where none was. */
  keys?: ReadonlyMap<string, Jwk>
  /** The key that verifies the token; what it is worth is for the chain to say. */
  key?: SigningKey
}

/** A key of the token's own chain, or of the given key set. */
export type SigningKey =
  | { source: 'x5c'; publicKey: PublicKey; certificates: readonly Certificate[] }
  | { source: 'jwks'; publicKey: PublicKey }
