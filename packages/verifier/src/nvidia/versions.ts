/** Version of a driver, `550.90.07`. */
export const DRIVER_VERSION = /^\d{1,5}(?:\.\d{1,5}){1,3}$/
/** Version of firmware, `96.00.9F.00.01`. */
export const VBIOS_VERSION = /^[0-9A-F]{2}(?:\.[0-9A-F]{2}){4}$/

/** -1, 0 or 1, number by number; a version that ends earlier is the lower one: nobody said what it stands for. */
export function compareParts(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i] ?? -1, b[i] ?? -1]
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

/** {@link compareParts} of versions as they are written. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  return compareParts(left, right)
}
