/** Noise by whole numbers only, exact to the last bit of its probabilities. */
export type { RandomBytes, Ratio } from './bernoulli.ts'
export { sampleDiscreteGaussian } from './discrete-gaussian.ts'
export { sampleDiscreteLaplace } from './discrete-laplace.ts'
