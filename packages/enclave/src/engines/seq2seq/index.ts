export { createSeq2SeqEngine, createSeq2SeqEngine as createEngine } from './engine.ts'
export { encodeTokens } from './encoder.ts'
export { type Generated, generate, type GenerateOptions, type Pick } from './generate.ts'
export { createGraphDecoder, type DecoderGraphs, type Encoded } from './graph-decoder.ts'
export { type EncoderDecoder, openEncoderDecoder } from './graph-files.ts'
export { type Processor, suppress, suppressAt } from './processors.ts'
export { drawWith, seededRandom } from './sample.ts'
export { argmax, logSoftmax, logSumExp, NEVER } from './scores.ts'
export {
  type GenerationSettings,
  MAX_BEAMS,
  MAX_GENERATED_TOKENS,
  parseGenerationConfig,
} from './settings.ts'
export type { Step, StepDecoder } from './step-decoder.ts'
