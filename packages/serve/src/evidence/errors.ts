import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown while evidence about this machine is collected. None of them says
 * anything about what the evidence is worth: that is for a verifier elsewhere.
 * - `COLLECT_UNAVAILABLE` (fix-input): this machine has no such source of evidence, or it is not switched on.
 * - `COLLECT_DENIED` (fix-input): this process may not use it.
 * - `COLLECT_INPUT` (fix-input): what is to be attested has a wrong length or form.
 * - `COLLECT_BUSY` (retry): somebody else uses it, or it asks to wait.
 * - `COLLECT_TIMEOUT` (retry): no answer in time.
 * - `COLLECT_FAILED` (retry): the device, service or program answered with an error.
 * - `COLLECT_MALFORMED` (stop): what came back is not what the interface promises.
 */
export type CollectErrorCode =
  | 'COLLECT_UNAVAILABLE'
  | 'COLLECT_DENIED'
  | 'COLLECT_INPUT'
  | 'COLLECT_BUSY'
  | 'COLLECT_TIMEOUT'
  | 'COLLECT_FAILED'
  | 'COLLECT_MALFORMED'

const ACTIONS: Readonly<Record<CollectErrorCode, ErrorAction>> = {
  COLLECT_UNAVAILABLE: 'fix-input',
  COLLECT_DENIED: 'fix-input',
  COLLECT_INPUT: 'fix-input',
  COLLECT_BUSY: 'retry',
  COLLECT_TIMEOUT: 'retry',
  COLLECT_FAILED: 'retry',
  COLLECT_MALFORMED: 'stop',
}

/** A {@link SottoError} of a collector; the action follows from the code. */
export function collectError(
  code: CollectErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<CollectErrorCode> {
  return new SottoError<CollectErrorCode>(code, ACTIONS[code], message, options)
}

/** Codes by `errno`: what is absent, what is forbidden, what may work again. Everything else is a failure. */
const ERRNO: Readonly<Record<string, CollectErrorCode>> = {
  ENOENT: 'COLLECT_UNAVAILABLE',
  ENOTDIR: 'COLLECT_UNAVAILABLE',
  ENODEV: 'COLLECT_UNAVAILABLE',
  ENXIO: 'COLLECT_UNAVAILABLE',
  EACCES: 'COLLECT_DENIED',
  EPERM: 'COLLECT_DENIED',
  EROFS: 'COLLECT_DENIED',
  EBUSY: 'COLLECT_BUSY',
  EAGAIN: 'COLLECT_BUSY',
  EINTR: 'COLLECT_BUSY',
  ETIMEDOUT: 'COLLECT_TIMEOUT',
}

/** `errno` of a system error by its name; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/**
 * Runs file operations and gives their errors a code and advice.
 *
 * @param what subject of the sentence, 'the report of the processor'
 * @param hints what to do, by code; `COLLECT_DENIED` and `COLLECT_UNAVAILABLE` above all
 */
export async function withErrno<Result>(
  what: string,
  hints: Partial<Record<CollectErrorCode, string>>,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === undefined) throw cause
    const code = Object.hasOwn(ERRNO, errno) ? ERRNO[errno]! : 'COLLECT_FAILED'
    const hint = hints[code]
    throw collectError(code, `${what}: ${errno}`, { cause, ...(hint !== undefined && { hint }) })
  }
}
