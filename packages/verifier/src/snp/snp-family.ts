import type { FamilyVerifier } from '../family/verifier.ts'
import { sevSnpPolicyDecoder, verifySevSnp } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: sevSnpPolicyDecoder,
  verify: (input) => verifySevSnp(input),
}
