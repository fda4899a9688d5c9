export { azureManagedHsmSource } from './source.ts'
export type { HsmNetwork } from './release.ts'
