import { SottoError } from '@sotto/protocol/errors'
import { isAudioErrorCode } from '../../audio/errors.ts'
import { isEngineErrorCode } from '../errors.ts'

/**
 * What may be said of an error. The words of our own errors are chosen by us; those of a library may quote what it
 * was given, so only the class of the error passes.
 */
export function failureOf(
  error: unknown,
  fallback: 'ENGINE_FAILED' | 'ENGINE_LOAD_FAILED',
): { code: string; message: string } {
  if (error instanceof SottoError && (isEngineErrorCode(error.code) || isAudioErrorCode(error.code))) {
    const detail = [
      error.expected && `expected ${error.expected}`,
      error.found && `found ${error.found}`,
    ].filter(Boolean)
    return { code: error.code, message: [error.message, ...detail].join('; ') }
  }
  const kind = error instanceof Error ? error.constructor.name : typeof error
  return { code: fallback, message: `the engine failed (${kind})` }
}
