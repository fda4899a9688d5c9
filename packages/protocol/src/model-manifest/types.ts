/** What a model is for; the API routes by it. `tensors` is any ONNX model addressed by tensor (KServe v2). */
export const MODEL_TASKS = [
  'transcription',
  'text-generation',
  'summarization',
  'embedding',
  'tensors',
] as const
export type ModelTask = (typeof MODEL_TASKS)[number]

/** Engines that enclaves have. */
export const MODEL_ENGINES = ['ctc', 'whisper', 'seq2seq', 'embedding', 'onnx', 'gguf', 'extractive'] as const
export type ModelEngine = (typeof MODEL_ENGINES)[number]

/**
 * What a file is to its engine. `weights-data` is ONNX external data, named as the graph names it; `language-model` an
 * n-gram model of words in ARPA form, beside a CTC network; `adapter` branches beside weights that stay as they are (LoRA).
 */
export const MODEL_FILE_ROLES = [
  'weights',
  'encoder',
  'decoder',
  'weights-data',
  'tokenizer',
  'language-model',
  'adapter',
  'config',
] as const
export type ModelFileRole = (typeof MODEL_FILE_ROLES)[number]

/** Engines that load an adapter beside their weights. Others would answer without it. */
export const ADAPTED_ENGINES: readonly ModelEngine[] = ['gguf', 'onnx']

/** One file of a model. */
export interface ModelFileEntry {
  /** Plain file name, 1-128 of `A-Z a-z 0-9 . _ -`, not starting with a dot. */
  readonly name: string
  /** SHA-256 of the content, lower-case hexadecimal. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly role: ModelFileRole
}

/** A model as it is published (`manifest.json`) and as sealed models carry it in their metadata. */
export interface ModelManifest {
  readonly format: 'sotto-model/1'
  /** 1-128 of `a-z 0-9 . _ - /`: what clients put in `model`. */
  readonly id: string
  readonly task: ModelTask
  readonly engine: ModelEngine
  readonly files: readonly ModelFileEntry[]
  /**
   * Digest of the model that this one was made from; of one with an adapter, what it adapts. Beside weights that is proven:
   * it is the digest of the same files without those of role `adapter`. Otherwise its publisher says so.
   */
  readonly base?: string
  /** See `modelDigest`. Receipts quote it. */
  readonly digest: string
  /** SPDX expression of the weights, for people. Not in the digest. */
  readonly license?: string
  /** One sentence for people. Not in the digest. */
  readonly description?: string
}
