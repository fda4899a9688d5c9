import { parseStrictJson, type JsonValue } from '@sotto/protocol/jcs'

/** Longest text that is read; a bundle has 20 kB. */
export const MAX_TEXT_BYTES = 524_288

/**
 * JSON of collateral that led to an authentic verdict, by its text, the one used last at the end: reading it
 * strictly takes longer than the signatures over it. The value depends on the text alone; whether it is genuine,
 * current and about a platform is judged each time. Who sends other spellings of genuine documents makes others
 * be read again, once.
 */
export const familiarTexts = new Map<string, JsonValue>()
const [MAX_FAMILIAR, MAX_FAMILIAR_CHARACTERS] = [32, 65_536]

/** Reads JSON of one verification. */
export class JsonReader {
  private readonly seen = new Map<string, JsonValue>()

  /** @throws `JCS_MALFORMED` */
  read(text: string): JsonValue {
    const value = familiarTexts.get(text) ?? parseStrictJson(text, { maxBytes: MAX_TEXT_BYTES })
    this.seen.set(text, value)
    return value
  }

  /** Remembers what was read: after an authentic verdict only. */
  remember(): void {
    for (const [text, value] of this.seen) {
      familiarTexts.delete(text)
      if (text.length <= MAX_FAMILIAR_CHARACTERS) familiarTexts.set(text, value)
      if (familiarTexts.size > MAX_FAMILIAR) familiarTexts.delete(familiarTexts.keys().next().value!)
    }
  }
}
