import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `TRAINING_SAFETENSORS` (fix-input): this is no file of named tensors, or one out of bounds.
 * - `TRAINING_CHECKPOINT` (stop): this is no checkpoint, or one of another run.
 */
export type TrainingErrorCode = 'TRAINING_SAFETENSORS' | 'TRAINING_CHECKPOINT'

/** A {@link SottoError} about what training wrote. */
export function trainingError(
  code: TrainingErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<TrainingErrorCode> {
  return new SottoError<TrainingErrorCode>(
    code,
    code === 'TRAINING_CHECKPOINT' ? 'stop' : 'fix-input',
    message,
    options,
  )
}
