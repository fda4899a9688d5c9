import type { UnixSeconds } from '@sotto/protocol/keyrelease'

const MICROS = 1_000_000

/** Millionths as a decimal number, exactly. */
export function showEpsilon(micros: number): string {
  const places = String(micros % MICROS)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${Math.floor(micros / MICROS)}${places === '' ? '' : `.${places}`}`
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
