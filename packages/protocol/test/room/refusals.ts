import { expect } from 'vitest'
import { at, changed, objectsIn, type Path } from '../keyrelease/every-object.ts'

/** A document with one thing wrong, and what that is. */
export type Malformed = [what: string, value: object]

interface Exceptions {
  /** Members that may be left out. */
  optional?: readonly string[]
  /** Lists that may have nothing in them. */
  mayBeEmpty?: readonly string[]
  /** Which objects are of this document: others are tested elsewhere. */
  isOwn?: (path: Path) => boolean
}

/** No member takes any of these, but for those that are named. */
const WRONG = [null, true, -1, '', [], {}, [null], 'x'.repeat(300_000)]

/** A good document with each member missing, of a wrong type or out of every bound, and with one too many. */
export function* malformed(
  good: object,
  { optional = [], mayBeEmpty = [], isOwn = () => true }: Exceptions = {},
): Generator<Malformed> {
  for (const path of [...objectsIn(good)].filter(isOwn)) {
    for (const extra of ['extra', 'constructor', 'toString'])
      yield [`${path.join('.')} with ${extra}`, changed(good, path, (value) => (value[extra] = 1))]
    for (const [member, before] of Object.entries(at(good, path))) {
      const where = [...path, member].join('.')
      if (!optional.includes(member))
        yield [`no ${where}`, changed(good, path, (value) => delete value[member])]
      for (const wrong of WRONG) {
        if (typeof wrong === 'boolean' && typeof before === 'boolean') continue
        if (Array.isArray(wrong) && wrong.length === 0 && mayBeEmpty.includes(member)) continue
        const what = `${where} as ${JSON.stringify(wrong).slice(0, 12)}`
        yield [what, changed(good, path, (value) => (value[member] = wrong))]
      }
    }
  }
}

/** A deep copy in which something else stands at a dotted path; undefined: nothing. */
export function put(good: object, path: string, value: unknown): object {
  const steps = path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step))
  const last = steps.pop()!
  return changed(good, steps, (parent) => {
    if (value === undefined) delete parent[last]
    else parent[last] = value
  })
}

/** `count` times the same. */
export const many = <T>(count: number, one: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index))

export const refusal = (code: string): unknown => expect.objectContaining({ code })
