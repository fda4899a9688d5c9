import { SottoError } from '@sotto/protocol/errors'
import type { TpmReader } from '@sotto/verifier/tpm'
import { collectError } from '../errors.ts'

/**
 * Reads the parameters of an answer to their last byte.
 *
 * @throws `COLLECT_MALFORMED`
 */
export function readAnswer<Value>(
  command: string,
  answer: TpmReader,
  read: (reader: TpmReader) => Value,
): Value {
  try {
    const value = read(answer)
    answer.end()
    return value
  } catch (cause) {
    if (cause instanceof SottoError && cause.code.startsWith('COLLECT_')) throw cause
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw collectError('COLLECT_MALFORMED', `answer of the TPM to ${command}: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}
