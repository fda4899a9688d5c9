import { SottoError } from '@sotto/protocol/errors'
import type { LineageLink } from '@sotto/protocol/training'
import { plain } from '../audit/plain.ts'

type Present<Values extends readonly unknown[]> = { [At in keyof Values]: NonNullable<Values[At]> }

/**
 * Verifies one thing, and adds what came of it: a refusal is told with its code, and what needs something that was refused
 * before is missing. Every link has a verdict, whatever breaks.
 * @returns what was verified; undefined where it was not
 */
export function attempt<T, Needs extends readonly unknown[]>(
  links: LineageLink[],
  { name, what }: Pick<LineageLink, 'name' | 'what'>,
  needs: readonly [...Needs],
  verify: (...needed: Present<Needs>) => T,
): T | undefined {
  if (needs.includes(undefined)) {
    links.push({
      name,
      what,
      status: 'missing',
      expected: 'what it rests on',
      found: 'something that does not hold',
    })
    return undefined
  }
  try {
    const verified = verify(...(needs as unknown as Present<Needs>))
    links.push({ name, what, status: 'pass' })
    return verified
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    const { code, message, expected, found } = cause
    links.push({
      name,
      what,
      status: 'fail',
      code,
      ...(expected !== undefined && { expected: plain(expected) }),
      found: plain([message, found].filter((part) => part !== undefined).join(': ')),
    })
    return undefined
  }
}
