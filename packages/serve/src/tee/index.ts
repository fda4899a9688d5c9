export { isInConfidentialAci, requireMeasuredConfig, type UsedConfig } from './measured-config.ts'
export type { TrustedHardware } from './types.ts'
