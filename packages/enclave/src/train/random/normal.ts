import type { Stream } from './streams.ts'

/**
 * Fills with normally distributed numbers of mean 0 and deviation 1 (Box and Muller, 1958), in doubles: none is past 9.42,
 * which is less probable than 2^-64.
 */
export function fillNormal(stream: Stream, into: Float64Array): void {
  for (let at = 0; at < into.length; at += 2) {
    const radius = Math.sqrt(-2 * Math.log(stream.uniform()))
    const angle = 2 * Math.PI * stream.uniform()
    into[at] = radius * Math.cos(angle)
    // Past the end of an array of odd length it goes nowhere.
    into[at + 1] = radius * Math.sin(angle)
  }
}
