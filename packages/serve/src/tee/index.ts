export { requireMeasuredConfig } from './measured-config.ts'
export type { TrustedHardware } from './types.ts'
