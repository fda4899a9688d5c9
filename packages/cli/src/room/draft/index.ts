export { contractOf, type DraftContext } from './contract.ts'
export { type DraftFiles, readDraftFiles } from './files.ts'
export { parseDraft, readDraft } from './read.ts'
export type { Draft, DraftInput, DraftOutput, DraftTask, DraftTransform, DraftUse } from './types.ts'
