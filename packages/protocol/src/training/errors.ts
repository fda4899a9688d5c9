import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `TRAINING_SAFETENSORS` (fix-input): this is no file of named tensors, or one out of bounds.
 * - `TRAINING_CHECKPOINT` (stop): this is no checkpoint, or one of another run.
 * - `TRAINING_ORIGIN` (fix-input): this is no origin of a trained model, or a damaged one.
 */
export type TrainingErrorCode = 'TRAINING_SAFETENSORS' | 'TRAINING_CHECKPOINT' | 'TRAINING_ORIGIN'

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
