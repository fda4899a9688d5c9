/** GBNF for the decimal digits of every whole number from `low` to `high`, both at least 0, without leading zeros. */
export function digitsBetween(low: bigint, high: bigint): string {
  const parts: string[] = []
  for (let from = low; from <= high;) {
    const last = 10n ** BigInt(from.toString().length) - 1n
    const to = last < high ? last : high
    parts.push(sameLength(from.toString(), to.toString()))
    from = to + 1n
  }
  return `(${parts.join(' | ')})`
}

/** Numbers of one length: a common beginning, then a first digit that is the lowest, between, or the highest. */
function sameLength(low: string, high: string): string {
  if (low === '') return ''
  if (/^0*$/.test(low) && /^9*$/.test(high)) return `[0-9]{${low.length}}`
  const [first = '', last = ''] = [low[0], high[0]]
  const [lowRest, highRest] = [low.slice(1), high.slice(1)]
  if (first === last) return `"${first}" ${sameLength(lowRest, highRest)}`.trimEnd()
  const rest = lowRest.length
  const parts: string[] = []
  const isLowWhole = /^0*$/.test(lowRest)
  const isHighWhole = /^9*$/.test(highRest)
  if (!isLowWhole) parts.push(`"${first}" ${sameLength(lowRest, '9'.repeat(rest))}`)
  const from = Number(first) + (isLowWhole ? 0 : 1)
  const to = Number(last) - (isHighWhole ? 0 : 1)
  if (from <= to) parts.push(`[${from}-${to}]${rest > 0 ? ` [0-9]{${rest}}` : ''}`)
  if (!isHighWhole) parts.push(`"${last}" ${sameLength('0'.repeat(rest), highRest)}`)
  return `(${parts.join(' | ')})`
}
