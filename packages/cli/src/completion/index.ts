export { completionScript, type Shell, SHELLS } from './scripts.ts'
export { type CompletionNode, completionNodes, type CompletionWord } from './words.ts'
