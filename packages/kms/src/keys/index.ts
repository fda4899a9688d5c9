export { allocateKeyIds, countFreeKeyIds, KEY_IDS, type KeyIdAllocation, NO_KEY_IDS } from './key-ids.ts'
export { isRotationDue, type KeyLifetime, type KeyTiming, lifetimeFrom } from './lifetime.ts'
export { createRequestKey, requestKemOf } from './request-keys.ts'
