import type { Decoder } from '@sotto/protocol/jcs'
import type { EvidenceInput, EvidenceVerdict } from './types.ts'

/** How one kind of evidence is judged. */
export interface FamilyVerifier {
  /** Reads the family's own policy. @throws `JCS_FIELD` */
  decodePolicy: Decoder<object>
  /**
   * Judges evidence by a policy that `decodePolicy` read. Never throws for what evidence or collateral hold.
   * (Written as a method: each entry keeps the type of its own policy.)
   */
  verify(input: EvidenceInput<object>): EvidenceVerdict
}
