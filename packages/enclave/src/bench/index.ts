export {
  type BenchAnswer,
  type BenchJob,
  parseJob,
  type SpeechJob,
  type SpeechResult,
  type TextJob,
  type TextResult,
} from './job.ts'
export { measurePerplexity, type Perplexity } from './perplexity.ts'
export { runJob } from './run-job.ts'
