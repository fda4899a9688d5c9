import type { FamilyVerifier } from '../family/verifier.ts'
import { nvidiaPolicyDecoder, verifyNvidia } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: nvidiaPolicyDecoder,
  verify: (input) => verifyNvidia(input),
}
