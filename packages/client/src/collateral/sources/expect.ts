import { fromUtf8 } from '@sotto/protocol/bytes'
import { type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import { collateralError } from '../errors.ts'

/** What every kind of answer must be. */

/** The object in an answer; nobody has been asked yet whether it is true. @throws errors of the JSON parser */
export function parseJsonObject(body: Uint8Array): Readonly<Record<string, JsonValue>> {
  const value = parseStrictJson(fromUtf8(body), { maxBytes: body.length, maxDepth: 16 })
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, JsonValue>>
  throw collateralError('COLLATERAL_INVALID', 'the answer is no JSON object')
}

/** @throws `COLLATERAL_EXPIRED` outside `from` to `until`, Unix seconds */
export function requireValidNow(what: string, from: number, until: number, now: number): void {
  if (now >= from && now <= until) return
  throw collateralError('COLLATERAL_EXPIRED', `${what} is ${now < from ? 'not valid yet' : 'out of date'}`, {
    expected: `${dateText(from)} to ${dateText(until)}`,
    found: dateText(now),
    hint: "check this machine's clock; a cache or mirror may lag behind the vendor",
  })
}

function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
