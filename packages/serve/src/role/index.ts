export { hasSwap, type ProcessFacts, refuseUnsafe } from './refuse-unsafe.ts'
export { currentFacts, type RoleContext, type RoleOptions, startRole } from './start-role.ts'
