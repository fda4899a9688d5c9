import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} an engine or its host throws.
 * - `ENGINE_INPUT` (fix-input): a parameter or the input itself is not acceptable to this model.
 * - `ENGINE_CONTEXT_OVERFLOW` (fix-input): prompt and answer do not fit the model's context.
 * - `ENGINE_UNSUPPORTED` (fix-input): this model does not offer the operation or the option.
 * - `ENGINE_MODEL_INVALID` (fix-input): manifest and files disagree, or a file is not what the engine reads.
 * - `ENGINE_LOAD_FAILED` (fix-input): the engine could not load the model, or kept dying while it tried.
 * - `ENGINE_BUSY` (retry): the queue of this engine is full, or the wait in it was too long.
 * - `ENGINE_CRASHED` (retry): the engine process ended during the call; it is being restarted.
 * - `ENGINE_TIMEOUT` (retry): the engine made no progress for too long; it was killed.
 * - `ENGINE_CANCELLED` (retry): the caller aborted.
 * - `ENGINE_PROTOCOL` (retry): the engine process sent something malformed; it was killed.
 * - `ENGINE_ANSWER_TOO_LARGE` (retry): the engine did not stop talking; the call was ended.
 * - `ENGINE_FAILED` (retry): the engine threw; its own words are withheld, they could quote the input.
 * - `ENGINE_CLOSED` (retry): the engine was stopped on purpose.
 * - `ENGINE_SANDBOX` (stop): this machine cannot isolate the engine as the configuration requires.
 * - `ENGINE_PROGRAM_CHANGED` (stop): the engine's files are not those that were measured; it is not started (T7).
 * - `ENGINE_PROGRAM_NOT_STATIC` (stop): the llama-server would load code beside itself, which nobody measured (T7).
 */
export type EngineErrorCode =
  | 'ENGINE_INPUT'
  | 'ENGINE_CONTEXT_OVERFLOW'
  | 'ENGINE_UNSUPPORTED'
  | 'ENGINE_MODEL_INVALID'
  | 'ENGINE_LOAD_FAILED'
  | 'ENGINE_BUSY'
  | 'ENGINE_CRASHED'
  | 'ENGINE_TIMEOUT'
  | 'ENGINE_CANCELLED'
  | 'ENGINE_PROTOCOL'
  | 'ENGINE_ANSWER_TOO_LARGE'
  | 'ENGINE_FAILED'
  | 'ENGINE_CLOSED'
  | 'ENGINE_SANDBOX'
  | 'ENGINE_PROGRAM_CHANGED'
  | 'ENGINE_PROGRAM_NOT_STATIC'

const ACTIONS: Readonly<Record<EngineErrorCode, ErrorAction>> = {
  ENGINE_INPUT: 'fix-input',
  ENGINE_CONTEXT_OVERFLOW: 'fix-input',
  ENGINE_UNSUPPORTED: 'fix-input',
  ENGINE_MODEL_INVALID: 'fix-input',
  ENGINE_LOAD_FAILED: 'fix-input',
  ENGINE_BUSY: 'retry',
  ENGINE_CRASHED: 'retry',
  ENGINE_TIMEOUT: 'retry',
  ENGINE_CANCELLED: 'retry',
  ENGINE_PROTOCOL: 'retry',
  ENGINE_ANSWER_TOO_LARGE: 'retry',
  ENGINE_FAILED: 'retry',
  ENGINE_CLOSED: 'retry',
  ENGINE_SANDBOX: 'stop',
  ENGINE_PROGRAM_CHANGED: 'stop',
  ENGINE_PROGRAM_NOT_STATIC: 'stop',
}

/** A {@link SottoError} with an engine code; the action follows from the code. */
export function engineError(
  code: EngineErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<EngineErrorCode> {
  return new SottoError<EngineErrorCode>(code, ACTIONS[code], message, options)
}

/** Whether a string (as an engine process sent it) is one of the known codes. */
export function isEngineErrorCode(code: string): code is EngineErrorCode {
  return Object.hasOwn(ACTIONS, code)
}
