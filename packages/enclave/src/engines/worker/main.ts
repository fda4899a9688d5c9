/** Entry of every engine process. Started with the name of its engine. */
import { createEngine, prepareEngine } from './registry.ts'
import { runWorker } from './run.ts'

runWorker(createEngine)
prepareEngine(process.argv[2])
