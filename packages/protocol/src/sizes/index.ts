// Apart from `ohttp/`: the relay needs sizes and carries no cryptography.
export { paddedLength } from './padding.ts'
export {
  DEFAULT_UPLOAD_BYTES,
  MAX_UPLOAD_BYTES,
  MIN_UPLOAD_BYTES,
  type UploadLimits,
  uploadLimits,
} from './upload-limits.ts'
