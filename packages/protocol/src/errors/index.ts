/**
 * What the caller must do about an error.
 * - `fix-input`: the request, file or configuration is wrong; change it.
 * - `retry`: nothing is wrong with the input; the same call may succeed later.
 * - `stop`: a security check failed; do not send, do not retry on a weaker path.
 */
export type ErrorAction = 'fix-input' | 'retry' | 'stop'

/** Details every {@link SottoError} may carry. Never plaintext, keys or tokens. */
export interface SottoErrorOptions {
  /** What the check required, in words or as a public value. */
  expected?: string
  /** What it found instead. */
  found?: string
  /** What to do about it, one sentence in the imperative. */
  hint?: string
  cause?: unknown
}

/**
 * The one error class of the product. Each package narrows `code` to its own literal union,
 * listed in that package's `errors.ts`.
 *
 * @example
 * throw new SottoError<OhttpErrorCode>('OHTTP_UNKNOWN_KEY', 'retry', 'no private key for this key id', { found: '7' })
 */
export class SottoError<Code extends string = string> extends Error {
  readonly code: Code
  readonly action: ErrorAction
  readonly expected: string | undefined
  readonly found: string | undefined
  readonly hint: string | undefined

  constructor(code: Code, action: ErrorAction, message: string, options: SottoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SottoError'
    this.code = code
    this.action = action
    this.expected = options.expected
    this.found = options.found
    this.hint = options.hint
  }
}

/** True for a {@link SottoError} with this code. */
export function hasCode<Code extends string>(error: unknown, code: Code): error is SottoError<Code> {
  return error instanceof SottoError && error.code === code
}
