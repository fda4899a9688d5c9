export { formatBytes } from './bytes.ts'
export { formatClock } from './clock.ts'
export { createForeignText, type ForeignText } from './foreign-text.ts'
export {
  createPrintableStream,
  printable,
  printableJson,
  printableLine,
  printableStyled,
  type PrintableStream,
} from './printable.ts'
export { createProgress, type Progress, type ProgressLine, type ProgressOptions } from './progress.ts'
export type { Sink } from './sink.ts'
export { formatSteps } from './steps.ts'
export { createStyle, type Style, wantsColor } from './style.ts'
