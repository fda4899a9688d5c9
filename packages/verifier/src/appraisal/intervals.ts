import type { Window } from './types.ts'

/** Times in `a` that are in no window of `b`, in whole seconds. */
export function subtractWindows(a: readonly Window[], b: readonly Window[]): Window[] {
  let rest = a.map(toInterval)
  for (const [start, end] of b.map(toInterval)) {
    rest = rest.flatMap(([from, to]): Interval[] => {
      if (end < from || start > to) return [[from, to]]
      const before: Interval[] = from < start ? [[from, start - 1]] : []
      const after: Interval[] = to > end ? [[end + 1, to]] : []
      return [...before, ...after]
    })
  }
  return rest.map(toWindow)
}

type Interval = readonly [from: number, to: number]

function toInterval({ notBefore, notAfter }: Window): Interval {
  return [notBefore ?? -Infinity, notAfter ?? Infinity]
}

function toWindow([from, to]: Interval): Window {
  return { ...(from > -Infinity && { notBefore: from }), ...(to < Infinity && { notAfter: to }) }
}

/** ` from … until …`, or nothing for a window without ends. */
export function windowText({ notBefore, notAfter }: Window): string {
  const from = notBefore === undefined ? '' : ` from ${instantText(notBefore)}`
  const until = notAfter === undefined ? '' : ` until ${instantText(notAfter)}`
  return from + until
}

/** RFC 3339 of Unix seconds; the number itself where no calendar reaches. */
export function instantText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds}` : date.toISOString().replace('.000Z', 'Z')
}

/** Seconds as people say them, `24 h`; exact where it is no whole number of a larger unit. */
export function durationText(seconds: number): string {
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const)
    if (seconds >= length * (unit === 'd' ? 2 : 1) && seconds % length === 0)
      return `${seconds / length} ${unit}`
  return `${seconds} s`
}
