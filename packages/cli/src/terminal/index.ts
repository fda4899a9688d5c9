export { formatBytes } from './bytes.ts'
export { createProgress, type Progress, type ProgressOptions } from './progress.ts'
export type { Sink } from './sink.ts'
export { createStyle, printable, type Style, wantsColor } from './style.ts'
