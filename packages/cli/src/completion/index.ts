export { completionScript, type Shell, SHELLS } from './scripts.ts'
export { type CompletionNode, completionNodes } from './words.ts'
