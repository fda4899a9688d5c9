/**
 * What an engine is (the code inside a child process that runs one model) and what it answers.
 * The host offers the same operations to the rest of the enclave, see `host/`.
 */

import type { ModelEngine, ModelFileRole, ModelTask } from '@sotto/protocol/model-manifest'
import type { TranscribeParams, TranscriptEvent } from './speech-types.ts'
import type { GenerateRequest, SummarizeRequest, TextEvent } from './text-types.ts'
import type { TokenUsage, TokenLogprob } from './token-types.ts'

export type * from './speech-types.ts'
export type * from './text-types.ts'
export type * from './token-types.ts'

export type { ModelFileEntry, ModelFileRole, ModelManifest, ModelTask } from '@sotto/protocol/model-manifest'
/** Names of the engines of this build. Each lives in the folder of that name and exports `createEngine`. */
export type EngineName = ModelEngine
/** What runs a model: its engine, or for `gguf`, where the host is given one, a llama-server in the same sandbox. */
export type RuntimeName = EngineName | 'llama-server'

/** One file inside the child. Its bytes are in RAM only; `path` is `/proc/self/fd/N`, never a name on disk. */
export interface ModelFile {
  readonly name: string
  readonly role: ModelFileRole
  readonly size: number
  readonly path: string
  /** Reads the whole file. The caller may keep the array. */
  bytes(): Uint8Array
}

/** What {@link Engine.load} receives. The host has checked sizes and hashes; the *content* is still untrusted. */
export interface EngineModel {
  readonly id: string
  readonly task: ModelTask
  readonly engine: RuntimeName
  /** By file name. */
  readonly files: ReadonlyMap<string, ModelFile>
  /** Compute threads, at least 1. The host's default is cores - 1: see the engine facts in ARCHITECTURE.md. */
  readonly threads: number
  /** Largest context in tokens an engine should allocate. Text engines cap at what the model was trained for. */
  readonly contextTokens: number
  /** How many requests the host would like to run at once. Engines answer with what they can in {@link EngineInfo}. */
  readonly concurrency: number
  /** The llama-server to start, for the `llama-server` engine: the host has looked at the program. */
  readonly serverProgram?: string
}

/** What an engine can do, stated once after load. */
export interface EngineInfo {
  /** Requests this engine runs at the same time without them waiting for each other; 1 when it blocks. */
  readonly concurrency: number
  readonly operations: readonly EngineOperation[]
  /** Tokens of prompt and answer together, for text engines. */
  readonly contextTokens?: number
  /** Length of a vector, for embedding engines. */
  readonly dimensions?: number
  /** Tensor signature, for the `onnx` engine. `-1` is a free dimension. */
  readonly inputs?: readonly TensorInfo[]
  readonly outputs?: readonly TensorInfo[]
}

/** Operations of an {@link Engine}. */
export type EngineOperation =
  | 'transcribe'
  | 'generate'
  | 'summarize'
  | 'embed'
  | 'infer'
  | 'tokenize'
  | 'score'

/**
 * The code inside one child process, for one model. An operation that is absent is not offered.
 *
 * Contract: `load` is called once, first. Operations may be called concurrently up to the stated concurrency.
 * When `signal` aborts, stop at the next opportunity (the host kills the process otherwise) and throw anything.
 * Throw `engineError(...)` for what a caller can react to; any other exception reaches callers as a bare
 * `ENGINE_FAILED`. Never write to stdout, stderr or a file. Keep nothing of a request once it ended.
 */
export interface Engine {
  load(model: EngineModel): Promise<EngineInfo>
  /** `audio` is mono, 16 kHz, roughly -1..1, in blocks of any length. Ends with exactly one `done`. */
  transcribe?(
    audio: AsyncIterable<Float32Array>,
    params: TranscribeParams,
    signal: AbortSignal,
  ): AsyncIterable<TranscriptEvent>
  /** Ends with exactly one `done`. */
  generate?(request: GenerateRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  /** Ends with exactly one `done`. */
  summarize?(request: SummarizeRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  embed?(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>
  infer?(request: InferRequest, signal: AbortSignal): Promise<readonly Tensor[]>
  tokenize?(text: string): Promise<readonly number[]>
  /** Log-probability of each token of a text (or of token ids) given those before it, from the second of the context on. */
  score?(text: string | readonly number[], signal: AbortSignal): Promise<readonly TokenLogprob[]>
  close(): Promise<void>
}

/** What every engine folder exports. */
export type CreateEngine = () => Engine

// Vectors and tensors ----------------------------------------------------------------------------------------

/** Texts (or token ids of this model) to embed. 1-2048 of them. */
export interface EmbedRequest {
  readonly inputs: readonly (string | readonly number[])[]
  /** Length of the vectors, at most the model's own. Vectors of one length compare with each other only. */
  readonly dimensions?: number
}

/** One L2-normalised vector for each input, in order. */
export interface EmbedResult {
  readonly vectors: readonly Float32Array[]
  readonly usage: TokenUsage
}

/** Element types of {@link Tensor}, in KServe v2 spelling. FP16 travels as its 16-bit pattern. */
export type TensorType =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES'

/** Name, type and shape of a tensor. */
export interface TensorInfo {
  readonly name: string
  readonly datatype: TensorType
  readonly shape: readonly number[]
}

/** A tensor: little-endian, row-major `data`; for `BYTES` each element is a 4-byte little-endian length and that many bytes. */
export interface Tensor extends TensorInfo {
  readonly data: Uint8Array
}

/** Inputs by name, and the outputs wanted (default: all). */
export interface InferRequest {
  readonly inputs: readonly Tensor[]
  readonly outputs?: readonly string[]
}
