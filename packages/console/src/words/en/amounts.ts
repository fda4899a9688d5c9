const number = new Intl.NumberFormat('en')
const MICRO_PLACES = 6
const DELTA_PLACES = 12

/** `1 run`, `3 runs`. */
export function countOf(count: number, one: string): string {
  return `${number.format(count)} ${one}${count === 1 ? '' : 's'}`
}

/** A whole number of units of 10^-`places`, exactly: `-1.5`. */
export function decimalOf(units: number, places: number): string {
  const digits = String(Math.abs(units)).padStart(places + 1, '0')
  const at = digits.length - places
  const fraction = digits.slice(at).replace(/0+$/, '')
  return `${units < 0 ? '-' : ''}${digits.slice(0, at)}${fraction === '' ? '' : `.${fraction}`}`
}

/** Millionths as a decimal number: `0.5`. */
export function epsilonOf(micros: number): string {
  return decimalOf(micros, MICRO_PLACES)
}

/** What is spent, or left, of privacy. */
export interface Privacy {
  epsilonMicros?: number
  /** Absent: noise that has none. */
  deltaTrillionths?: number
}

/** `epsilon 3 at delta 1e-5`; undefined where nothing is spent. */
export function privacyOf({ epsilonMicros, deltaTrillionths }: Privacy): string | undefined {
  if (epsilonMicros === undefined) return undefined
  return `epsilon ${epsilonOf(epsilonMicros)}${deltaTrillionths === undefined ? '' : ` at delta ${deltaOf(deltaTrillionths)}`}`
}

/** 10^-12 as people write a delta, exactly: `1e-5`. */
export function deltaOf(trillionths: number): string {
  const digits = String(trillionths).replace(/0+$/, '')
  if (digits === '') return '0'
  const exponent = String(trillionths).length - 1 - DELTA_PLACES
  return `${digits.slice(0, 1)}${digits.length === 1 ? '' : `.${digits.slice(1)}`}${exponent === 0 ? '' : `e${exponent}`}`
}
