export { createWhisperEngine, createWhisperEngine as createEngine } from './engine.ts'
