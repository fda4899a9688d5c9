export { makeEmptyDirectory } from './empty-directory.ts'
export { availablePrograms, type Programs } from './programs.ts'
export { codeRoot, coversOf } from './readable.ts'
export { APP_UIDS, ENGINE_UIDS, type UidBounds, UidRange } from './uids.ts'
