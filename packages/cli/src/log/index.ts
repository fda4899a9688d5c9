export { alertLine } from './alert-line.ts'
export { keepSplitView, stateFile } from './files.ts'
export { LOG_FLAGS, type LogFlags, type LogTarget, resolveLog, resolveLogUrl } from './target.ts'
