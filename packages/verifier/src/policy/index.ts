export { describeTrustPolicy } from './describe.ts'
export { acceptsSoftware, encodeTrustPolicy, parseTrustPolicy } from './parse.ts'
export { ALWAYS_REQUIRED, findRequireDefect, REQUIRED_BY_CHOICE, type StepName } from './steps.ts'
export type { AllowedKem, TrustPolicy } from './types.ts'
