export { alertLine } from './alert-line.ts'
export { keepSplitView, MAX_PROOF_BYTES, stateFile } from './files.ts'
export { LOG_FLAGS, type LogFlags, type LogTarget, resolveLog, resolveLogUrl } from './target.ts'
