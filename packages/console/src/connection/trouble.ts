import { SottoError } from '@sotto/protocol/errors'
import { KeepError, whyUnkept } from '../keep/database.ts'
import { words } from '../words/index.ts'

/** What went wrong, for people. */
export interface Trouble {
  /** Stable; undefined for what was not foreseen. */
  code: string | undefined
  message: string
  expected: string | undefined
  found: string | undefined
  hint: string | undefined
  /** Whether trying again can help. */
  canRetry: boolean
}

/** @param error whatever was thrown */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof SottoError) {
    const { code, message, expected, found, hint, action } = error
    return {
      code,
      message: sentence(message),
      expected,
      found,
      hint: hint && sentence(hint),
      canRetry: action === 'retry',
    }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: undefined,
    message: error instanceof KeepError ? words.trouble[whyUnkept(error)] : sentence(message),
    expected: undefined,
    found: undefined,
    hint: undefined,
    canRetry: true,
  }
}

/** What is against something, where that is why it failed: not that nobody could find out. */
export function refusalOf(error: unknown): Trouble | undefined {
  const trouble = troubleOf(error)
  return trouble.canRetry ? undefined : trouble
}

/** As people write it: errors are worded for the middle of a line. */
function sentence(text: string): string {
  return /^[a-z]+[ ,]/.test(text) ? `${text[0]!.toUpperCase()}${text.slice(1)}` : text
}
