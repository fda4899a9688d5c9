export { type AciDifference } from './differences.ts'
export { policyHash } from './policy-hash.ts'
export { renderAci } from './template.ts'
export type { AciContainer, AciInput, AciOutput, AciSecretEnv, AciVolumeMount } from './types.ts'
export {
  type AciImageFacts,
  type AciVerification,
  compareAci,
  readImageFacts,
  verifyAci,
  type VerifyAciOptions,
} from './verify.ts'
