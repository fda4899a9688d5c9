export { createWitnessApp, type WitnessAppOptions } from './app.ts'
export { witnessConfig, type WitnessConfig } from './config.ts'
export { openWitnessStore, type WitnessRecord, type WitnessStore } from './store.ts'
export { createWitness, type WatchedLog, type WitnessAnswer, type WitnessOptions } from './witness.ts'
