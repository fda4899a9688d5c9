import type { Jwk } from '@sotto/protocol/jose'
import type { EvidenceInput, FieldValue } from '../family/index.ts'
import type { AzureMaaPolicy } from './policy.ts'
import type { SigningKey } from './signing-key.ts'
import type { MaaToken } from './token.ts'

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface MaaFacts {
  input: EvidenceInput<AzureMaaPolicy>
  policy: AzureMaaPolicy
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>
  validUntil?: number
  /** Structure only. */
  token?: MaaToken
  /** Keys of the set that was given, by `kid`; empty where none was. */
  keys?: ReadonlyMap<string, Jwk>
  key?: SigningKey
}
