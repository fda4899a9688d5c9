export { limitToDataUse } from './data-use.ts'
export { checkAliases, type ModelAliases } from './aliases.ts'
export { loadModels, type SealedModels } from './load.ts'
export { openSealedModel, type OpenedModel } from './sealed-model.ts'
export { serveModel } from './served-model.ts'
export { addUpstreams } from './upstreams.ts'
export {
  createOwnedModels,
  createRegistry,
  createStatements,
  type OwnedModels,
  type ShelfLimits,
} from './owned/index.ts'
