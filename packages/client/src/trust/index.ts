export { checkOnce, type TrustSource } from './check.ts'
export { tileReader } from './fetch-tile.ts'
export {
  type CheckpointMemory,
  checkpointMemory,
  memoryStorage,
  type SeenCheckpoint,
} from './last-checkpoint.ts'
export { mediaType, OUTER_HEADERS, OUTER_INIT } from './outer-fetch.ts'
export { logAddress, type RelayAddresses, relayAddresses } from './relay-url.ts'
export { openTrustSession, type TrustSession } from './session.ts'
