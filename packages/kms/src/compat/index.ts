export { createAzureApp, type AzureAppOptions } from './app.ts'
export { createAzureIdentity, type AzureIdentity } from './identity.ts'
export { createKeySets, type KeySets } from './key-sets.ts'
