export { openTokenizer, type TextTokenizer } from './tokenizer.ts'
