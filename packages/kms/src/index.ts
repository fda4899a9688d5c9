export { Kms, type KmsIdentityDocument, type KmsParts } from './core/index.ts'
export { KMS_STATUSES, kmsError, type KmsErrorCode } from './errors.ts'
export { createKmsApp, type KmsAppOptions } from './http/index.ts'
