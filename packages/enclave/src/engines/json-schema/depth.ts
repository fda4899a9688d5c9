/** Whether a JSON value nests deeper than `max`: without recursion, so that it can be asked before anything recurses. */
export function isDeeper(value: unknown, max: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > max) return true
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}
