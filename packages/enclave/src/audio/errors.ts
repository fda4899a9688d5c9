import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} the audio code throws.
 * - `AUDIO_FORMAT_UNKNOWN` (fix-input): the first bytes are of no audio format we know.
 * - `AUDIO_UNSUPPORTED` (fix-input): a known format, codec or variant that is not decoded here; the hint says what to send.
 * - `AUDIO_MALFORMED` (fix-input): the file contradicts its own format, or it was cut.
 * - `AUDIO_EMPTY` (fix-input): a sound file without one sample.
 * - `AUDIO_TOO_LONG` (fix-input): longer than `maxSeconds`.
 * - `AUDIO_TOO_LARGE` (fix-input): more bytes than `maxBytes`.
 * - `AUDIO_TIMEOUT` (fix-input): the decoder made no progress on these bytes; it was stopped.
 * - `AUDIO_CANCELLED` (retry): the caller stopped before the end.
 * - `AUDIO_FAILED` (retry): the decoder thread could not run or ran out of memory.
 */
export type AudioErrorCode =
  | 'AUDIO_FORMAT_UNKNOWN'
  | 'AUDIO_UNSUPPORTED'
  | 'AUDIO_MALFORMED'
  | 'AUDIO_EMPTY'
  | 'AUDIO_TOO_LONG'
  | 'AUDIO_TOO_LARGE'
  | 'AUDIO_TIMEOUT'
  | 'AUDIO_CANCELLED'
  | 'AUDIO_FAILED'

const ACTIONS: Readonly<Record<AudioErrorCode, ErrorAction>> = {
  AUDIO_FORMAT_UNKNOWN: 'fix-input',
  AUDIO_UNSUPPORTED: 'fix-input',
  AUDIO_MALFORMED: 'fix-input',
  AUDIO_EMPTY: 'fix-input',
  AUDIO_TOO_LONG: 'fix-input',
  AUDIO_TOO_LARGE: 'fix-input',
  AUDIO_TIMEOUT: 'fix-input',
  AUDIO_CANCELLED: 'retry',
  AUDIO_FAILED: 'retry',
}

/** What every refusal of a format offers instead. */
export const SUPPORTED_HINT = 'send WAV, FLAC, MP3, AIFF, Ogg (Opus or FLAC) or WebM with Opus'

/** A {@link SottoError} with an audio code; the action follows from the code. */
export function audioError(
  code: AudioErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<AudioErrorCode> {
  return new SottoError<AudioErrorCode>(code, ACTIONS[code], message, options)
}

/** A file that contradicts its own format. `found` must be a number or a name, never bytes of the recording. */
export function malformed(message: string, options: SottoErrorOptions = {}): SottoError<AudioErrorCode> {
  return audioError('AUDIO_MALFORMED', message, options)
}

/** A file that ends before its format says it does: half a recording must not pass for the whole. */
export function cutShort(what: string): SottoError<AudioErrorCode> {
  return audioError('AUDIO_MALFORMED', `the file ends inside ${what}`, {
    hint: 'the file was cut, perhaps by an interrupted upload: send all of it',
  })
}

/** A known thing that is not decoded here. */
export function unsupported(what: string, hint: string = SUPPORTED_HINT): SottoError<AudioErrorCode> {
  return audioError('AUDIO_UNSUPPORTED', `${what} is not supported`, { hint })
}

/** Whether a string (as a decoder thread sent it) is one of the known codes. */
export function isAudioErrorCode(code: string): code is AudioErrorCode {
  return Object.hasOwn(ACTIONS, code)
}
