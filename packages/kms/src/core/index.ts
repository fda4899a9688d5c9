export { Kms } from './kms.ts'
export type { KmsParts } from './parts.ts'
export { identityDocument, type KmsIdentityDocument, keysDocument, type View } from './view.ts'
