import type { SottoError } from '@sotto/protocol/errors'
import { verifierError } from '../errors.ts'

/** A structure of a TPM that is not what the specification says. */
export function malformedTpm(what: string, expected?: string, found?: string): SottoError {
  return verifierError('EVIDENCE_MALFORMED', `TPM structure: ${what}`, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}

/** An identifier as the specification writes it: `0x000b`. */
export function tpmConstant(value: number, bytes: 2 | 4 = 2): string {
  return `0x${value.toString(16).padStart(2 * bytes, '0')}`
}
