/** What an example has to show. Every check is made and told; one that fails makes the example fail. */
import { isDeepStrictEqual } from 'node:util'

/** @param {(line: string) => void} say */
export function createChecks(say) {
  const failed = []
  const check = (what, isSo, found) => {
    say(`  ${isSo ? '✓' : '✗'} ${what}`)
    if (isSo) return
    failed.push(what)
    if (found !== undefined) say(`      ${found}`)
  }
  return {
    /** Whether something is so. `found` is told where it is not. */
    that: check,
    /** Whether rows are those that were expected, in this order; numbers with fractions to twelve digits. */
    rows(what, found, expected) {
      const same = isDeepStrictEqual(found.map(rounded), expected.map(rounded))
      check(what, same, `expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
    },
    failed,
  }
}

/** Sums of fractions depend on their order in the last digits. */
function rounded(row) {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' ? Number(value.toPrecision(12)) : value,
    ]),
  )
}
