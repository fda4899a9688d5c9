import { type ErrorAction, SottoError } from '../errors/index.ts'

/**
 * Codes of Oblivious HTTP.
 * - `OHTTP_KEY_CONFIG`: a key configuration or a list of them is malformed.
 * - `OHTTP_NO_SUITE`: no configuration offers algorithms that this client accepts.
 * - `OHTTP_UNKNOWN_KEY`: the gateway has no private key with this identifier; fetch the keys again.
 * - `OHTTP_UNSUPPORTED_SUITE`: the key does not offer the KEM, KDF or AEAD of the request.
 * - `OHTTP_REPLAYED`: this encapsulated key was used before.
 * - `OHTTP_MALFORMED`: bytes that no message has.
 * - `OHTTP_TRUNCATED`: the input ended before a verified end of the message.
 * - `OHTTP_TOO_LARGE`: a chunk or message is longer than the receiver allows.
 * - `OHTTP_OPEN_FAILED`: the message is not authentic; the reason is never told.
 * - `OHTTP_CONTEXT_USED`: a context that serves one exchange was used again.
 */
export type OhttpErrorCode =
  | 'OHTTP_KEY_CONFIG'
  | 'OHTTP_NO_SUITE'
  | 'OHTTP_UNKNOWN_KEY'
  | 'OHTTP_UNSUPPORTED_SUITE'
  | 'OHTTP_REPLAYED'
  | 'OHTTP_MALFORMED'
  | 'OHTTP_TRUNCATED'
  | 'OHTTP_TOO_LARGE'
  | 'OHTTP_OPEN_FAILED'
  | 'OHTTP_CONTEXT_USED'

const ERRORS: Record<OhttpErrorCode, [ErrorAction, string]> = {
  OHTTP_KEY_CONFIG: ['stop', 'key configuration is malformed'],
  OHTTP_NO_SUITE: ['stop', 'no key configuration offers algorithms that are acceptable'],
  OHTTP_UNKNOWN_KEY: ['retry', 'no private key has this key identifier'],
  OHTTP_UNSUPPORTED_SUITE: ['retry', 'the key does not offer these algorithms'],
  OHTTP_REPLAYED: ['stop', 'the encapsulated request was received before'],
  OHTTP_MALFORMED: ['fix-input', 'encapsulated message is malformed'],
  OHTTP_TRUNCATED: ['stop', 'encapsulated message ends before its verified end'],
  OHTTP_TOO_LARGE: ['fix-input', 'encapsulated message is larger than allowed'],
  OHTTP_OPEN_FAILED: ['stop', 'encapsulated message is not authentic'],
  OHTTP_CONTEXT_USED: ['fix-input', 'the context was used already'],
}

/** The error of a code. Only public facts go into the options, never the cause of a failed decryption. */
export function ohttpError(
  code: OhttpErrorCode,
  options: { expected?: string; found?: string } = {},
): SottoError<OhttpErrorCode> {
  const [action, message] = ERRORS[code]
  return new SottoError(code, action, message, options)
}
