/** Entry of every engine process. */
import { createEngine } from './registry.ts'
import { runWorker } from './run.ts'

runWorker(createEngine)
