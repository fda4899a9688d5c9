export { checkAliases, type ModelAliases } from './aliases.ts'
export { loadModels, type SealedModels } from './load.ts'
export { openSealedModel, type OpenedModel } from './sealed-model.ts'
export { serveModel } from './served-model.ts'
