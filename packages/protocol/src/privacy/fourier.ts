/** A complex vector: its real and its imaginary parts. Lengths are powers of two. */
export interface ComplexVector {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** Discrete Fourier transform in place (Cooley and Tukey). @param sign -1 forwards; 1 backwards, without the 1/n */
export function transform({ re, im }: ComplexVector, sign: -1 | 1): void {
  const n = re.length
  reverseBits(re, im)
  const { cos, sin } = roots(n)
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2
    const stride = n / size
    for (let start = 0; start < n; start += size) {
      for (let k = 0, root = 0; k < half; k++, root += stride) {
        const a = start + k
        const b = a + half
        const wr = cos[root]!
        const wi = sign * sin[root]!
        const tr = re[b]! * wr - im[b]! * wi
        const ti = re[b]! * wi + im[b]! * wr
        re[b] = re[a]! - tr
        im[b] = im[a]! - ti
        re[a]! += tr
        im[a]! += ti
      }
    }
  }
}

/** Each root of unity on its own: a recurrence would lose digits with every step. */
function roots(n: number): { cos: Float64Array; sin: Float64Array } {
  const cos = new Float64Array(n / 2)
  const sin = new Float64Array(n / 2)
  for (let k = 0; k < n / 2; k++) {
    const angle = (2 * Math.PI * k) / n
    cos[k] = Math.cos(angle)
    sin[k] = Math.sin(angle)
  }
  return { cos, sin }
}

function reverseBits(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i >= j) continue
    const [r, s] = [re[i]!, im[i]!]
    re[i] = re[j]!
    im[i] = im[j]!
    re[j] = r
    im[j] = s
  }
}
