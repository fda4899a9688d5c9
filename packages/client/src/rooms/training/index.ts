export {
  figuresOf,
  type Lineage,
  type LineageGiven,
  type LineageInput,
  LINEAGE_PARTS,
  type LineagePart,
  partOf,
  requireLineage,
  traceLineage,
} from './lineage.ts'
export { drawLineage } from './draw-lineage.ts'
export { type JudgedOrigin, judgeOrigin } from './judge-origin.ts'
export { originOf } from './origin.ts'
export { readFiles } from './read-files.ts'
export { type LineageStage, lineageStages } from './stages.ts'
