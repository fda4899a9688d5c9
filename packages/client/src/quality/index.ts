export { bleu } from './bleu.ts'
export { errorRate } from './error-rate.ts'
export { MAX_ROUGE_WORDS, type Overlap, rouge, type Rouge } from './rouge.ts'
export { wordsOf } from './words.ts'
