export { createApi, type ApiOptions } from './app.ts'
export type { WaitingFile, WaitingRoom } from './audio/incoming-file.ts'
export {
  announceModel,
  type DescribedModel,
  modelDigestOf,
  type ModelDirectory,
  type ServedModel,
} from './models.ts'
export { onlyComputes } from './only-computes.ts'
export { createRoomRoutes, type RoomRoutesOptions } from './rooms/index.ts'
export { createSealedModels, type SealedModelsOptions } from './sealed-models/index.ts'
export type { Clock } from './text/generate.ts'
