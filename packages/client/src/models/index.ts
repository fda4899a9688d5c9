export { type ModelAbout, type ModelContent, type ModelFiles, modelContent } from './content.ts'
export { createModels, type ModelsOptions } from './models.ts'
export { modelNameOf } from './model-name.ts'
export { type ModelOwner, modelOwner, sealingSecrets } from './owner.ts'
export { ownerKeyPem, parseOwnerKey } from './owner-key.ts'
export {
  chunkAt,
  modelSealer,
  openOwn,
  openSealed,
  sealedChunks,
  type OnBytes,
  type SealableContent,
  type SealedContent,
  type SealedModel,
} from './seal.ts'
export type { PublishedModel, PublishOptions, RemovedModel, SottoModels } from './types.ts'
