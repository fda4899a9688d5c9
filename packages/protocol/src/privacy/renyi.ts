import { requireDelta, requireMechanism, requirePhases, type SampledGaussian } from './mechanism.ts'

/** Orders that are tried: 1.1 to 10.9 by tenths, 11 to 63, and powers of two up to 1024. */
export const RENYI_ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, at) => 1 + (at + 1) / 10),
  ...Array.from({ length: 53 }, (_, at) => at + 11),
  128,
  256,
  512,
  1024,
]

/** What is added for rounding: no operation here loses more, and a bound may be a little too large. */
const ROUNDING = 1e-9

/**
 * Rényi divergence of one step, for add and remove alike: the larger one is that of removing (Mironov, Talwar and Zhang,
 * "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019, Theorem 5).
 * @param order over 1, at most 1024
 * @returns ln E[(P/Q)^order] / (order - 1), with Q = N(0, noise²) and P = (1 - rate) Q + rate N(1, noise²)
 * @throws `PRIVACY_BOUNDS`
 */
export function renyiOfStep(rate: number, noise: number, order: number): number {
  requireMechanism({ rate, noise, steps: 1 })
  if (rate === 1) return order / (2 * noise * noise)
  const moment = Number.isInteger(order) ? binomialMoment(rate, noise, order) : integral(rate, noise, order)
  return Math.max(0, moment / (order - 1))
}

/**
 * Epsilon of all steps together by Rényi divergence: a bound that always holds, seldom the smallest.
 * @throws `PRIVACY_BOUNDS`
 */
export function renyiEpsilon(
  phases: readonly SampledGaussian[],
  delta: number,
): { epsilon: number; order: number } {
  requirePhases(phases)
  const found = leastOfOrders(
    (order) =>
      phases.reduce((sum, { rate, noise, steps }) => sum + steps * renyiOfStep(rate, noise, order), 0),
    delta,
  )
  return { ...found, epsilon: Math.max(0, found.epsilon) }
}

/**
 * The least epsilon that a curve of Rényi divergences gives, and the order that gives it.
 * Source: Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020, Proposition 12.
 * @throws `PRIVACY_BOUNDS`
 */
export function leastOfOrders(
  divergenceAt: (order: number) => number,
  delta: number,
  orders: readonly number[] = RENYI_ORDERS,
): { epsilon: number; order: number } {
  requireDelta(delta)
  let best = { epsilon: Infinity, order: Infinity }
  for (const order of orders) {
    const epsilon =
      divergenceAt(order) * (1 + ROUNDING) +
      Math.log1p(-1 / order) -
      (Math.log(delta) + Math.log(order)) / (order - 1)
    if (epsilon < best.epsilon) best = { epsilon, order }
  }
  return best
}

/** ln of the sum over k of C(n, k) (1-q)^(n-k) q^k exp(k (k-1) / (2 s²)), relative to its largest term. */
function binomialMoment(rate: number, noise: number, order: number): number {
  const stay = Math.log1p(-rate)
  const go = Math.log(rate)
  const exponents: number[] = []
  let choose = 0
  for (let k = 0; k <= order; k++) {
    if (k > 0) choose += Math.log((order - k + 1) / k)
    exponents.push(choose + (order - k) * stay + k * go + (k * (k - 1)) / (2 * noise * noise))
  }
  const largest = Math.max(...exponents)
  // Where the sum is one and a little, only the little is of interest: it is summed without the one.
  if (largest < 1e-3) return Math.log1p(excess(rate, noise, order))
  return largest + Math.log(exponents.reduce((sum, exponent) => sum + Math.exp(exponent - largest), 0))
}

/** The same sum less one: the terms without noise add up to exactly one. */
function excess(rate: number, noise: number, order: number): number {
  let term = order * Math.log1p(-rate)
  let sum = 0
  for (let k = 1; k <= order; k++) {
    term += Math.log(((order - k + 1) / k) * rate) - Math.log1p(-rate)
    const gain = (k * (k - 1)) / (2 * noise * noise)
    // Both may be out of a double's range where their product is not.
    sum += gain > 30 ? Math.exp(term + gain) : Math.exp(term) * Math.expm1(gain)
  }
  return sum
}

/**
 * ln E over Q of (P/Q)^order by the trapezoid rule, which converges faster than any power for what is analytic around the
 * line: the integrand is, up to a distance of pi s² from it. Series for orders between integers lose their signs or their
 * digits.
 */
function integral(rate: number, noise: number, order: number): number {
  const step = Math.min(noise / 12, (noise * noise) / 2)
  const from = -13 * noise
  const to = order + 13 * noise
  const scale = 1 / (2 * noise * noise)
  const stay = Math.log1p(-rate)
  const tilt = Math.log(rate) - stay
  let largest = -Infinity
  const logs: number[] = []
  let little = 0
  for (let at = 0, x = from; x <= to; at++, x = from + at * step) {
    const ratio = stay + log1pExp(tilt + (2 * x - 1) * scale)
    const log = order * ratio - x * x * scale
    logs.push(log)
    if (log > largest) largest = log
    little += Math.exp(-x * x * scale) * Math.expm1(Math.min(700, order * ratio))
  }
  const weight = step / (noise * Math.sqrt(2 * Math.PI))
  // As with the sum: of one and a little, the little.
  if (little * weight < 1e-3) return Math.log1p(little * weight)
  const sum = logs.reduce((total, log) => total + Math.exp(log - largest), 0)
  return largest + Math.log(sum * weight)
}

/** ln(1 + e^x). */
export function log1pExp(x: number): number {
  return x > 36 ? x : Math.log1p(Math.exp(x))
}
