import type { EvidenceVerdict, Reason } from '../family/index.ts'
import type { Step } from '../result.ts'
import type { PolicyFamily } from './types.ts'

/** What is known about one piece of evidence under one component of a policy. */
export type PieceVerdict = Omit<EvidenceVerdict, 'family'> & { family: PolicyFamily }

/** Why one tuple admits the evidence, or does not. */
export interface TupleVerdict {
  name: string
  admitted: boolean
  /** Class of the first step that failed; null when admitted. */
  reason: Reason | null
  /** Steps of the policy; those of the evidence are in `pieces`. */
  steps: Step[]
  /** The verdict on each piece under this tuple, in the order given; empty where the tuple is about other families. */
  pieces: PieceVerdict[]
}

/** The answer of an evidence policy. */
export interface EvidenceAppraisal {
  admitted: boolean
  /** Name of the tuple that admitted. */
  tuple: string | null
  /** Class of the reason of the tuple that came closest; null when admitted. */
  reason: Reason | null
  /** True where a software TEE is part of it: every screen must say so (T10). */
  software: boolean
  /** Every tuple up to the one that admitted; all of them when none did. */
  tuples: TupleVerdict[]
  /** Whom one trusts by relying on it. */
  trustedParties: string[]
  /** Must be asked again after this instant, Unix seconds; null when refused or nothing expires. */
  validUntil: number | null
}
