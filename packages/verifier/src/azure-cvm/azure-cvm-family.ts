import type { FamilyVerifier } from '../family/verifier.ts'
import { azureCvmPolicyDecoder, verifyAzureCvm } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: azureCvmPolicyDecoder,
  verify: (input) => verifyAzureCvm(input),
}
