import type { FamilyVerifier } from '../family/verifier.ts'
import { nitroPolicyDecoder, verifyNitro } from './index.ts'

/** This kind of evidence, as every kind is judged. */
export const VERIFIER: FamilyVerifier = {
  decodePolicy: nitroPolicyDecoder,
  verify: (input) => verifyNitro(input),
}
