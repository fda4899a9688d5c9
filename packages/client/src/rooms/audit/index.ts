export { type AuditOptions, auditRuns, MAX_AUDITED_PROOFS } from './audit.ts'
export { drawPage } from './draw-page.ts'
export { drawSvg } from './draw-svg.ts'
export { drawText } from './draw-text.ts'
export { buildGraph } from './graph.ts'
export { type CheckGroup, groupChecks } from './groups.ts'
export { runLines } from './run-lines.ts'
export type {
  Audit,
  AuditCheck,
  AuditedOutput,
  AuditedRun,
  AuditGraph,
  CheckStatus,
  GraphBudget,
  GraphInput,
  GraphOutput,
  GraphParty,
  GraphRuns,
  GraphTransform,
} from './types.ts'
