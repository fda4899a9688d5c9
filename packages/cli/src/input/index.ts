export { type Input, openInput, requireOneStdin } from './read-input.ts'
export { MAX_TEXT_BYTES, readText } from './read-text.ts'
export { type LineReader, readLines } from './read-lines.ts'
export { parseTime } from './parse-time.ts'
