import { fromBase64Url } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { MAX_OWNERS } from '@sotto/protocol/governance'
import { cliError } from '../errors.ts'

/** All that a KMS takes but the stack itself and the owner of this machine. */
const MAX_ADMITTED: number = MAX_OWNERS - 2
const KEY_BYTES = 32

/**
 * Public keys of whom the operator lets in, as `sotto models owner` prints them on their machine, each once. Nothing else
 * comes from there: a file with a private key has no business with an operator.
 *
 * @throws `CLI_USAGE`
 */
export function parseAdmitted(words: readonly string[]): string[] {
  for (const word of words)
    if (!isKey(word))
      throw cliError('CLI_USAGE', '--admit takes a public key', {
        expected: `${KEY_BYTES} bytes, base64url`,
        // A private key that was put there by mistake is shown nowhere.
        found: `${word.length} characters`,
        hint: 'they print it with sotto models owner',
      })
  const keys = [...new Set(words)]
  if (keys.length > MAX_ADMITTED)
    throw cliError('CLI_USAGE', 'too many of --admit', { expected: `at most ${MAX_ADMITTED}` })
  return keys
}

function isKey(word: string): boolean {
  try {
    return fromBase64Url(word).length === KEY_BYTES
  } catch (error) {
    if (error instanceof SottoError) return false
    throw error
  }
}
