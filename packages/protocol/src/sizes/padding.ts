/** Smallest sizes of a message: short prompts and answers of one bucket look alike to the network. */
const SMALL_BUCKETS = [1024, 4096, 16_384, 65_536] as const

/** Receivers accept no more padding than this (`DEFAULT_BHTTP_LIMITS`); it binds above 64 MiB only. */
const MAX_STEP = 2 ** 20

/**
 * Bytes a message of `length` bytes is padded to before it is encapsulated, both ways: 1, 4, 16 or
 * 64 KiB, above that Padmé (Nikitin et al., PoPETs 2019, Section 4), which leaks O(log log n) bits
 * and costs at most 12 %.
 */
export function paddedLength(length: number): number {
  for (const bucket of SMALL_BUCKETS) if (length <= bucket) return bucket
  const exponent = Math.floor(Math.log2(length))
  const significantBits = Math.floor(Math.log2(exponent)) + 1
  // Powers instead of shifts: bodies may exceed 2^31 bytes.
  const step = Math.min(2 ** (exponent - significantBits), MAX_STEP)
  return Math.ceil(length / step) * step
}
