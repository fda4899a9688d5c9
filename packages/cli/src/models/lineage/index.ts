export { ORIGIN_ENDING, type OriginFile, readOrigin } from './origin-file.ts'
export { LINEAGE_FLAGS, type LineageFlags, readLineage, type TracedModel } from './read.ts'
export { lineageJson, showLineage } from './show.ts'
