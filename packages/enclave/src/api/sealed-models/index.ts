export { createSealedModels, type SealedModelsOptions } from './routes.ts'
