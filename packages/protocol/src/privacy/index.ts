/**
 * What differentially private steps cost, proven: accountants for sums over Poisson samples with Gaussian noise. All figures
 * are upper bounds for neighbours that differ by one contributor.
 */
export { noiseFor, type PrivacyCost, privacyCost } from './epsilon.ts'
export type { PrivacyErrorCode } from './errors.ts'
export { gaussianDelta, gaussianEpsilon } from './gaussian.ts'
export type { SampledGaussian } from './mechanism.ts'
export { leastOfOrders, RENYI_ORDERS, renyiEpsilon, renyiOfStep } from './renyi.ts'
