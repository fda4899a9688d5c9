import type { JsonValue } from '@sotto/protocol/jcs'
import { listOf, shortText } from './compare.ts'
import { durationText, windowText } from './intervals.ts'
import { isSettled } from './lint-members.ts'
import { isObject, type Meaning, type Members } from './meaning.ts'
import type { JsonObject } from './types.ts'
import { toWindowed } from './windows.ts'

/** What a family's policy asks, one sentence for each member that says something, and one for what it refuses by default. */
export function explainMembers(members: Members, policy: JsonObject): string[] {
  const lines: string[] = []
  const refused: string[] = []
  for (const [name, meaning] of Object.entries(members)) {
    const value = policy[name]
    if (meaning.is === 'permit' && (value ?? meaning.absent) !== true) refused.push(meaning.what)
    // What another member settles need not be said of this one.
    else if (
      value !== undefined ||
      !('pins' in meaning) ||
      !meaning.pins ||
      !isSettled(members, policy, meaning.pins)
    )
      lines.push(...explainMember(meaning, value))
  }
  if (refused.length > 0) lines.push(`refuses ${refused.join('; ')}.`)
  return lines
}

function explainMember(meaning: Meaning, value: JsonValue | undefined): string[] {
  const { is, what } = meaning
  switch (is) {
    case 'allow':
      if (value !== undefined || meaning.absent !== 'any')
        return [`${what} is ${anyOfText(value ?? (meaning.absent as JsonValue))}.`]
      return meaning.pins === undefined ? [] : [`${what} may be anything.`]
    case 'tolerate':
      if (isFilled(value)) return [`accepts ${what} ${anyOfText(value)}.`]
      return value !== undefined && meaning.absent === 'any' ? [`accepts no ${what}.`] : []
    case 'demand': {
      const demanded = value ?? meaning.absent
      return isFilled(demanded) ? [`demands ${what} ${listText(demanded)}.`] : []
    }
    case 'permit':
      return [`also admits ${what}.`]
    case 'require':
      return value === true ? [`demands ${what}.`] : []
    case 'floor':
      return value === undefined ? [] : [`${what} is at least ${boundText(value, meaning.order)}.`]
    case 'ceiling':
      return value === undefined
        ? []
        : [
            `${what} is at most ${meaning.unit === 'seconds' ? durationText(Number(value)) : shortText(value)}.`,
          ]
    case 'parts':
      return explainParts(meaning, value)
    case 'keyed':
      return explainKeyed(meaning, value)
  }
}

function explainParts(meaning: Meaning & { is: 'parts' }, value: JsonValue | undefined): string[] {
  if (meaning.presence === 'demand') {
    if (value === undefined) return []
    return [`demands ${meaning.what}.`, ...explainInner(meaning, value)]
  }
  return explainInner(meaning, value ?? {})
}

function explainInner({ what, members }: Meaning & { is: 'parts' | 'keyed' }, value: JsonValue): string[] {
  return isObject(value) ? explainMembers(members, value).map((line) => `${what}: ${line}`) : []
}

function explainKeyed(meaning: Meaning & { is: 'keyed' }, value: JsonValue | undefined): string[] {
  const { key, what, members, others, pins } = meaning
  if (value === undefined) return pins === undefined ? [] : [`${what} may be anything.`]
  const entries: [string, JsonValue][] = Array.isArray(value)
    ? (value as readonly JsonObject[]).map((entry) => {
        const { [key ?? '']: name, ...rest } = entry
        return [String(name), rest]
      })
    : Object.entries(value as JsonObject)
  const lines = entries.flatMap(([name, entry]) => {
    const inner = explainMembers(members, isObject(entry) ? entry : {})
    return inner.length === 0
      ? [`${what} ${name}: anything.`]
      : inner.map((line) => `${what} ${name}: ${line}`)
  })
  return others === 'refused' ? [...lines, `refuses every other ${what}.`] : lines
}

function isFilled(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value) && value.length > 0
}

function anyOfText(value: JsonValue): string {
  const entries = entryTexts(value)
  return entries.length === 1 ? entries[0]! : `one of ${entries.join(', ')}`
}

function listText(value: JsonValue): string {
  return entryTexts(value).join(', ')
}

function entryTexts(value: JsonValue): string[] {
  return listOf(value).map((entry) => {
    const { value: bare, ...window } = toWindowed(entry)
    return shortText(bare) + windowText(window)
  })
}

function boundText(value: JsonValue, order: readonly string[] | undefined): string {
  return order !== undefined && isObject(value)
    ? order.map((name) => value[name]).join('.')
    : shortText(value)
}
