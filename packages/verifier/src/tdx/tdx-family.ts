import type { FamilyVerifier } from '../family/verifier.ts'
import { tdxPolicyDecoder, verifyTdx } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: tdxPolicyDecoder,
  verify: (input) => verifyTdx(input),
}
