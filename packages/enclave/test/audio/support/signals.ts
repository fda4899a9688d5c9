/** A tone of `hertz` with this amplitude. */
export function tone(hertz: number, rate: number, seconds: number, amplitude: number = 0.5): Float32Array {
  return Float32Array.from(
    { length: Math.round(rate * seconds) },
    (_, i) => amplitude * Math.sin((2 * Math.PI * hertz * i) / rate),
  )
}

/** The sweep that `fixtures/make-fixtures.py` encoded: 200 Hz to 3 kHz in one second at 16 kHz, with soft ends. */
export function fixtureSweep(): Float32Array {
  const fade = (i: number): number => Math.min(1, i / 799)
  return Float32Array.from({ length: 16_000 }, (_, i) => {
    const t = i / 16_000
    return 0.5 * Math.sin(2 * Math.PI * (200 * t + 1400 * t * t)) * fade(i) * fade(15_999 - i)
  })
}

/** White noise in [-amplitude, amplitude), the same for the same seed on every machine. */
export function noise(length: number, seed: number = 1, amplitude: number = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return ((state >>> 8) / 8_388_608 - 1) * amplitude
  })
}

/** Silence. */
export function silence(seconds: number, rate: number = 16_000): Float32Array {
  return new Float32Array(Math.round(seconds * rate))
}

/** All blocks as one. */
export function join(blocks: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0))
  let at = 0
  for (const block of blocks) {
    out.set(block, at)
    at += block.length
  }
  return out
}

/** Signal-to-noise ratio in dB of `actual` against `expected`, over their common length. */
export function snr(actual: Float32Array, expected: Float32Array): number {
  let power = 0
  let error = 0
  for (let i = 0; i < Math.min(actual.length, expected.length); i++) {
    power += expected[i]! ** 2
    error += (actual[i]! - expected[i]!) ** 2
  }
  return 10 * Math.log10(power / error)
}

/** Largest normalised cross-correlation for shifts of at most `maxShift` samples. */
export function correlation(
  a: Float32Array,
  b: Float32Array,
  maxShift: number,
): { best: number; shift: number } {
  let best = -1
  let shift = 0
  for (let s = -maxShift; s <= maxShift; s++) {
    let ab = 0
    let aa = 0
    let bb = 0
    for (let i = Math.max(0, -s); i < Math.min(a.length, b.length - s); i++) {
      ab += a[i]! * b[i + s]!
      aa += a[i]! ** 2
      bb += b[i + s]! ** 2
    }
    const value = ab / Math.sqrt(aa * bb)
    if (value > best) {
      best = value
      shift = s
    }
  }
  return { best, shift }
}
