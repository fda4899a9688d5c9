export { createApi, type ApiOptions } from './app.ts'
export type { WaitingFile, WaitingRoom } from './audio/incoming-file.ts'
export { announceModel, modelDigestOf, type ModelDirectory, type ServedModel } from './models.ts'
export type { Clock } from './text/generate.ts'
