export {
  createLogClient,
  type LogClient,
  type LogClientOptions,
  type ProvenEntry,
  type Tree,
  type WitnessedCheckpoint,
} from './client.ts'
