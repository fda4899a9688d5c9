import type { UnixSeconds } from '@sotto/protocol/keyrelease'

const MICRO_PLACES = 6
const DELTA_PLACES = 12

/** A whole number of units of 10^-`places` as a decimal number, exactly. */
export function showDecimal(units: number, places: number): string {
  const digits = String(Math.abs(units)).padStart(places + 1, '0')
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  const whole = digits.slice(0, digits.length - places)
  return `${units < 0 ? '-' : ''}${places === 0 ? digits : whole}${places === 0 || fraction === '' ? '' : `.${fraction}`}`
}

/** Millionths as a decimal number, exactly. */
export function showEpsilon(micros: number): string {
  return showDecimal(micros, MICRO_PLACES)
}

/** 10^-12 as people write a delta, exactly: `1e-5`. */
export function showDelta(trillionths: number): string {
  if (trillionths === 0) return '0'
  const digits = String(trillionths)
  const [first, rest] = [digits.slice(0, 1), digits.slice(1).replace(/0+$/, '')]
  const exponent = digits.length - 1 - DELTA_PLACES
  return `${first}${rest === '' ? '' : `.${rest}`}${exponent === 0 ? '' : `e${exponent}`}`
}

/** `epsilon 3 at delta 1e-5`: of noise without one, `epsilon 3`. */
export function showPrivacy({
  epsilonMicros,
  deltaTrillionths,
}: {
  epsilonMicros: number
  deltaTrillionths?: number
}): string {
  const delta = deltaTrillionths === undefined ? '' : ` at delta ${showDelta(deltaTrillionths)}`
  return `epsilon ${showEpsilon(epsilonMicros)}${delta}`
}

/** A time to the minute, UTC. */
export function showTime(seconds: UnixSeconds): string {
  const date = new Date(seconds * 1000)
  // Who made it up may have made up any number.
  if (Number.isNaN(date.getTime())) return 'no time'
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `1 run`, `2 runs`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
