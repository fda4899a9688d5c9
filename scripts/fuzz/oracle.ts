import { SottoError } from '@sotto/protocol/errors'
import { Refusal } from '@sotto/verifier/checks'

const MAX_CAUSES = 8

/** What engines say when a program went wrong, not its input: for places that keep only the message of an error. */
const ENGINE_WORDS =
  /^(?:Cannot (?:read|set|convert|mix|destructure|create|delete|add|assign|access)|Maximum call stack|Invalid (?:array|typed array|string|count|time|array buffer)|Offset is outside|Array buffer allocation|Reduce of empty|Spread syntax|Class constructor|BigInt|The number \S+ cannot|Division by zero|toString\(\) radix|Method \S+ called on)|is not (?:a function|iterable|defined|a constructor|an object|extensible)|does not fit \d+ bytes/

/**
 * Says why an error is a crash and not a refusal: it is none of ours, or one of ours that hides one. A stack
 * that overflows inside a `catch` comes out as a refusal otherwise.
 */
export function crashOf(error: unknown): string | undefined {
  if (!isRefusal(error)) return describe(error)
  let { cause } = error
  for (let i = 0; i < MAX_CAUSES && cause !== undefined; i++) {
    if (!isRefusal(cause) && !isOfReader(cause))
      return `behind ${error.name} ${error.message}: ${describe(cause)}`
    ;({ cause } = cause as Error)
  }
  return undefined
}

/** Whether a message of a failed step or of a defect is that of a program that went wrong. */
export function crashInWords(message: string): string | undefined {
  return ENGINE_WORDS.test(message) ? `a refusal in words of the engine: ${message}` : undefined
}

function isRefusal(error: unknown): error is Error {
  return error instanceof SottoError || error instanceof Refusal
}

/** Reasons of our own in plain errors, and errors by which the engine refuses an input: JSON, base64, UTF-8. */
function isOfReader(error: unknown): boolean {
  return (
    (error instanceof Error && error.constructor === Error && !ENGINE_WORDS.test(error.message)) ||
    error instanceof SyntaxError ||
    (error instanceof DOMException && error.name === 'InvalidCharacterError') ||
    (error as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
  )
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown ${typeof error}`
  return `${error.name}: ${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}`.trim()
}
