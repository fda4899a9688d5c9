import type { FamilyVerifier } from '../family/verifier.ts'
import { azureMaaPolicyDecoder, verifyAzureMaa } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: azureMaaPolicyDecoder,
  verify: (input) => verifyAzureMaa(input),
}
