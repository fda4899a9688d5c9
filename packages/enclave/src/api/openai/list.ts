import { z } from 'zod'

/** How many items a list may have. */
export interface ListBounds {
  min?: number
  max?: number
}

/**
 * A list whose items all pass `isItem`, `what` names it in the error. It makes one issue however many
 * items are wrong: `z.array` makes one for each, and a body of some megabytes then takes minutes and
 * gigabytes to refuse.
 */
export function listOf<Item>(
  what: string,
  isItem: (item: unknown) => item is Item,
  { min = 0, max = Infinity }: ListBounds = {},
): z.ZodType<Item[]> {
  return z.custom<Item[]>(
    (value) =>
      Array.isArray(value) &&
      value.length >= min &&
      value.length <= max &&
      value.every((item) => isItem(item)),
    what,
  )
}

/** Any value: for lists that are counted before anything looks at their items. */
export function isAnything(_value: unknown): _value is unknown {
  return true
}

/** Whether a value is a string. */
export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Whether a value can be a token id. */
export function isToken(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Whether a value is a list of at least one token id. */
export function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isToken(item))
}
