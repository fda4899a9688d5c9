export { type Input, openInput } from './read-input.ts'
export { MAX_TEXT_BYTES, readText } from './read-text.ts'
