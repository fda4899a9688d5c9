import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the ONNX codec.
 * - `ONNX_EXTERNAL` (fix-input): a tensor lies in a file that was not supplied, or outside of it.
 * - `ONNX_MALFORMED` (fix-input): bytes are no ONNX model, or names and nodes in it do not fit together.
 * - `ONNX_UNSUPPORTED` (fix-input): a model uses a part of the format that is not read here, or is too large.
 */
export type OnnxErrorCode = 'ONNX_EXTERNAL' | 'ONNX_MALFORMED' | 'ONNX_UNSUPPORTED'

/** A refusal of the codec. Names from the model are in `found`, cut short. */
export function onnxError(code: OnnxErrorCode, message: string, found?: string): SottoError<OnnxErrorCode> {
  return new SottoError<OnnxErrorCode>(code, 'fix-input', message, {
    ...(found !== undefined && { found: found.slice(0, 120) }),
  })
}
