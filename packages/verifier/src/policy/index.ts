export { describeTrustPolicy } from './describe.ts'
export { encodeTrustPolicy, parseTrustPolicy } from './parse.ts'
export type { AllowedKem, TrustPolicy } from './types.ts'
