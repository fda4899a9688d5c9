export { createEngine } from './registry.ts'
export { runWorker } from './run.ts'
