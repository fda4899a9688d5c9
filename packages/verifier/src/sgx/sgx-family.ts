import type { FamilyVerifier } from '../family/verifier.ts'
import { sgxPolicyDecoder, verifySgx } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: sgxPolicyDecoder,
  verify: (input) => verifySgx(input),
}
