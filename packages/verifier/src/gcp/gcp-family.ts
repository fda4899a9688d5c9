import type { FamilyVerifier } from '../family/verifier.ts'
import { confidentialSpacePolicyDecoder, verifyConfidentialSpace } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: confidentialSpacePolicyDecoder,
  verify: (input) => verifyConfidentialSpace(input),
}
