import { type Decoder, text } from '../jcs/index.ts'

/** Name of a party, input, transform or output. None is a member that every object has: records are kept by name. */
export const CONTRACT_NAME: RegExp = /^(?!constructor$)[a-z][a-z0-9-]{0,31}$/
/** Name of a column or of a parameter: what SQL takes without quotes, and no object takes for its prototype. */
export const COLUMN_NAME: RegExp = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,62}$/

export const name: Decoder<string> = text(32, CONTRACT_NAME)
export const columnName: Decoder<string> = text(63, COLUMN_NAME)

/**
 * Something that runs, of 1 to `max` characters, which parties approve as they see it: no control character but tab and
 * line feed, and nothing that has no shape (selectors, fillers, an empty Braille cell) or turns text around, so that what is
 * shown is what runs.
 */
export function code(max: number): Decoder<string> {
  return text(max, /^[^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]--[\t\n]]+$/v)
}

/** {@link code} for a model: the two joiners are letters of some languages. */
export function prompt(max: number): Decoder<string> {
  return text(
    max,
    /^[^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]--[\t\n\u200C\u200D]]+$/v,
  )
}
