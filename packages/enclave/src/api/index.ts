export { createApi, type ApiOptions } from './app.ts'
export { announceModel, modelDigestOf, type ModelDirectory, type ServedModel } from './models.ts'
export type { Clock } from './text/generate.ts'
