export { createEmbeddingEngine, createEmbeddingEngine as createEngine } from './engine.ts'
export { MAX_INPUTS } from './embed.ts'
export { parsePooling, type Pooling } from './pooling.ts'
