/** Computes |X[k]|^2 for k = 0 .. size / 2 of a real signal of `size` samples. Not reentrant: one buffer each. */
export interface PowerSpectrum {
  readonly size: number
  /** `frame` holds `size` samples and is left as it is; `power` receives `size / 2 + 1` values. */
  compute(frame: Float64Array, power: Float64Array): void
}

/** Radices in the order they are taken out of the length. */
const RADICES = [5, 4, 2] as const

interface Stage {
  readonly radix: number
  /** Butterflies, and distance between their inputs. */
  readonly groups: number
  readonly stride: number
  /** cos and -sin of 2 pi p k / n, for every group p and leg k. */
  readonly cos: Float64Array
  readonly sin: Float64Array
}

/**
 * A real FFT by one complex FFT of half the size (Stockham, mixed radix), with every table made once.
 * `size / 2` may have the prime factors 2 and 5 only: 400 for Whisper.
 */
export function createPowerSpectrum(size: number): PowerSpectrum {
  const half = size / 2
  const stages = planStages(half)
  let re = new Float64Array(half)
  let im = new Float64Array(half)
  let otherRe = new Float64Array(half)
  let otherIm = new Float64Array(half)
  const twistCos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size))
  const twistSin = Float64Array.from({ length: half + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / size))

  return {
    size,
    compute(frame, power) {
      for (let i = 0; i < half; i++) {
        re[i] = frame[2 * i]!
        im[i] = frame[2 * i + 1]!
      }
      for (const stage of stages) {
        runStage(stage, re, im, otherRe, otherIm)
        ;[re, otherRe] = [otherRe, re]
        ;[im, otherIm] = [otherIm, im]
      }
      // X[k] = even[k] + e^(-2 pi i k / size) odd[k], both read off Z[k] and Z[half - k].
      for (let k = 0; k <= half; k++) {
        const a = k === half ? 0 : k
        const b = k === 0 ? 0 : half - k
        const evenRe = (re[a]! + re[b]!) / 2
        const evenIm = (im[a]! - im[b]!) / 2
        const oddRe = (im[a]! + im[b]!) / 2
        const oddIm = (re[b]! - re[a]!) / 2
        const xRe = evenRe + oddRe * twistCos[k]! - oddIm * twistSin[k]!
        const xIm = evenIm + oddRe * twistSin[k]! + oddIm * twistCos[k]!
        power[k] = xRe * xRe + xIm * xIm
      }
    },
  }
}

function planStages(length: number): Stage[] {
  const stages: Stage[] = []
  let left = length
  for (const radix of RADICES) {
    while (left % radix === 0) {
      const groups = left / radix
      const angle = (p: number, k: number): number => (2 * Math.PI * p * k) / left
      const cos = new Float64Array(groups * radix)
      const sin = new Float64Array(groups * radix)
      for (let p = 0; p < groups; p++) {
        for (let k = 0; k < radix; k++) {
          cos[p * radix + k] = Math.cos(angle(p, k))
          sin[p * radix + k] = -Math.sin(angle(p, k))
        }
      }
      stages.push({ radix, groups, stride: length / left, cos, sin })
      left = groups
    }
  }
  if (left !== 1) throw new RangeError(`no FFT for half of ${2 * length} samples`)
  return stages
}

const C1 = Math.cos((2 * Math.PI) / 5)
const C2 = Math.cos((4 * Math.PI) / 5)
const S1 = Math.sin((2 * Math.PI) / 5)
const S2 = Math.sin((4 * Math.PI) / 5)

function runStage(
  stage: Stage,
  re: Float64Array,
  im: Float64Array,
  outRe: Float64Array,
  outIm: Float64Array,
): void {
  const { radix, groups, stride, cos, sin } = stage
  const leg = stride * groups
  for (let p = 0; p < groups; p++) {
    const t = p * radix
    for (let q = 0; q < stride; q++) {
      const i = q + stride * p
      const o = q + stride * t
      const r0 = re[i]!
      const i0 = im[i]!
      const r1 = re[i + leg]!
      const i1 = im[i + leg]!
      if (radix === 2) {
        outRe[o] = r0 + r1
        outIm[o] = i0 + i1
        rotate(outRe, outIm, o + stride, r0 - r1, i0 - i1, cos[t + 1]!, sin[t + 1]!)
        continue
      }
      const r2 = re[i + 2 * leg]!
      const i2 = im[i + 2 * leg]!
      const r3 = re[i + 3 * leg]!
      const i3 = im[i + 3 * leg]!
      if (radix === 4) {
        const [sr, si, dr, di] = [r0 + r2, i0 + i2, r0 - r2, i0 - i2]
        const [tr, ti, er, ei] = [r1 + r3, i1 + i3, r1 - r3, i1 - i3]
        outRe[o] = sr + tr
        outIm[o] = si + ti
        rotate(outRe, outIm, o + stride, dr + ei, di - er, cos[t + 1]!, sin[t + 1]!)
        rotate(outRe, outIm, o + 2 * stride, sr - tr, si - ti, cos[t + 2]!, sin[t + 2]!)
        rotate(outRe, outIm, o + 3 * stride, dr - ei, di + er, cos[t + 3]!, sin[t + 3]!)
        continue
      }
      const r4 = re[i + 4 * leg]!
      const i4 = im[i + 4 * leg]!
      const [ar, ai, br, bi] = [r1 + r4, i1 + i4, r1 - r4, i1 - i4]
      const [cr, ci, dr, di] = [r2 + r3, i2 + i3, r2 - r3, i2 - i3]
      outRe[o] = r0 + ar + cr
      outIm[o] = i0 + ai + ci
      const m1r = r0 + C1 * ar + C2 * cr
      const m1i = i0 + C1 * ai + C2 * ci
      const m2r = r0 + C2 * ar + C1 * cr
      const m2i = i0 + C2 * ai + C1 * ci
      const n1r = S1 * bi + S2 * di
      const n1i = -(S1 * br + S2 * dr)
      const n2r = S2 * bi - S1 * di
      const n2i = -(S2 * br - S1 * dr)
      rotate(outRe, outIm, o + stride, m1r + n1r, m1i + n1i, cos[t + 1]!, sin[t + 1]!)
      rotate(outRe, outIm, o + 2 * stride, m2r + n2r, m2i + n2i, cos[t + 2]!, sin[t + 2]!)
      rotate(outRe, outIm, o + 3 * stride, m2r - n2r, m2i - n2i, cos[t + 3]!, sin[t + 3]!)
      rotate(outRe, outIm, o + 4 * stride, m1r - n1r, m1i - n1i, cos[t + 4]!, sin[t + 4]!)
    }
  }
}

function rotate(
  outRe: Float64Array,
  outIm: Float64Array,
  at: number,
  re: number,
  im: number,
  cos: number,
  sin: number,
): void {
  outRe[at] = re * cos - im * sin
  outIm[at] = re * sin + im * cos
}
