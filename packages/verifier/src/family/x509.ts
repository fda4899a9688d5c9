import { Refusal } from '../checks/index.ts'
import type { Reason } from './types.ts'

const CLASSES: Readonly<Record<string, Reason>> = {
  X509_MALFORMED: 'malformed',
  X509_UNSUPPORTED: 'algorithm',
  X509_CHAIN: 'chain',
  X509_CRITICAL: 'chain',
  X509_EXPIRED: 'expired',
  X509_CRL: 'collateral-invalid',
  X509_OCSP: 'collateral-invalid',
}

/** Class of an error of the X.509 package; undefined for another error. */
export function classOfX509(error: unknown): Reason | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && Object.hasOwn(CLASSES, code) ? CLASSES[code] : undefined
}

/**
 * Runs a step of certificate checking and gives its errors their class, unless the piece it is about
 * has a class of its own (a malformed CRL is `collateral-invalid`).
 *
 * @param what subject of the sentence, 'the certificate of the chip'
 */
export function withX509<Result>(what: string, run: () => Result, malformed: Reason = 'malformed'): Result {
  try {
    return run()
  } catch (error) {
    const of = classOfX509(error)
    if (of === undefined) throw error
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    throw new Refusal(`${what}: ${message}`, expected, found, of === 'malformed' ? malformed : of)
  }
}
