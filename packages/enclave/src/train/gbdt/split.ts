import type { FeatureBins } from './bins.ts'

/** A question about the rows of a node. */
export interface Split {
  readonly feature: number
  /** Left are rows up to this bin of a number, or of this bin of a category. */
  readonly bin: number
  /** Sums of gradient and curvature on the left. */
  readonly gradient: number
  readonly curvature: number
}

/** Sums of gradients and curvatures, by bin of each feature: pairs, one feature after the other. */
export type Histogram = Float64Array

/** Where the pairs of each feature begin, and how many numbers there are. */
export function layoutOf(bins: readonly FeatureBins[]): { starts: readonly number[]; length: number } {
  const starts: number[] = []
  let length = 0
  for (const { count } of bins) {
    starts.push(length)
    length += 2 * count
  }
  return { starts, length }
}

/** What a question has to be good for. */
export interface SplitRules {
  readonly lambda: number
  readonly minChildWeight: number
}

/** Gain below which a question is rounding, not an answer. */
const LEAST_GAIN = 1e-9

/**
 * The question that lowers the loss most (Chen, Guestrin, arXiv 1603.02754, Section 2.2); of equal ones the first. None
 * where none lowers it.
 * @param gradient @param curvature sums of the node
 */
export function findSplit(
  histogram: Histogram,
  bins: readonly FeatureBins[],
  { gradient, curvature }: { readonly gradient: number; readonly curvature: number },
  { lambda, minChildWeight }: SplitRules,
): Split | undefined {
  const before = (gradient * gradient) / (curvature + lambda)
  let best: Split | undefined
  let most = LEAST_GAIN
  let at = 0
  for (const [feature, { kind, count }] of bins.entries()) {
    let [g, h] = [0, 0]
    for (let bin = 0; bin < count; bin++, at += 2) {
      // Numbers are asked whether they are below, categories whether they are it.
      g = histogram[at]! + (kind === 'number' ? g : 0)
      h = histogram[at + 1]! + (kind === 'number' ? h : 0)
      const [otherG, otherH] = [gradient - g, curvature - h]
      if (h < minChildWeight || otherH < minChildWeight || h <= 0 || otherH <= 0) continue
      const gain = (g * g) / (h + lambda) + (otherG * otherG) / (otherH + lambda) - before
      if (gain > most) {
        most = gain
        best = { feature, bin, gradient: g, curvature: h }
      }
    }
  }
  return best
}
