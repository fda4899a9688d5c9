/**
 * What an engine is (the code inside a child process that runs one model) and what it answers.
 * The host offers the same operations to the rest of the enclave, see `host/`.
 */

import type { VoiceActivity } from '../audio/segment/voice-activity.ts'
import type { ModelEngine, ModelFileRole, ModelTask } from '@sotto/protocol/model-manifest'

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

/** Token counts of one call. Engines without tokens count words, and say so in their model card. */
export interface TokenUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of the input tokens, those that did not have to be evaluated again. Only where the request had a `cacheSalt`. */
  readonly cachedInputTokens?: number
}

// Speech ---------------------------------------------------------------------------------------------------

/** Options of a transcription. Engines ignore what cannot apply to them, except `task: 'translate'`. */
export interface TranscribeParams {
  /** ISO 639-1 code; absent: detect, or the model's only language. */
  readonly language?: string
  /** `translate` (to English) is `ENGINE_UNSUPPORTED` where the model cannot. Default `transcribe`. */
  readonly task?: 'transcribe' | 'translate'
  /** Text that precedes the audio, to condition the decoder. */
  readonly prompt?: string
  /** Words likely to occur. */
  readonly hotwords?: readonly string[]
  /** Sampling temperatures tried in order until the thresholds hold. Default `[0]` or the engine's own ladder. */
  readonly temperatures?: readonly number[]
  /** Beams at temperature 0. Default 1. */
  readonly beams?: number
  /** Compute `words` of each segment. Default false. */
  readonly wordTimestamps?: boolean
  /** Report token log-probabilities. Default false. */
  readonly logprobs?: boolean
  /** Above it a segment counts as failed (a loop). Default 2.4. */
  readonly compressionRatioThreshold?: number
  /** Below it a segment counts as failed. Default -1. */
  readonly logprobThreshold?: number
  /** Above it, with a low log-probability, a segment is silence. Default 0.6. */
  readonly noSpeechThreshold?: number
  /** Feed the text of earlier segments to later ones. Default true. */
  readonly conditionOnPreviousText?: boolean
  /** Answer while somebody speaks: shorter windows where nobody pauses, at some cost. Default false. */
  readonly early?: boolean
  /** Cut the recording where nobody speaks, and answer each stretch as it ends. Default: the engine's own way. */
  readonly voiceActivity?: VoiceActivity
}

/** One word with its time in seconds from the start of the recording. */
export interface TranscriptWord {
  readonly word: string
  readonly start: number
  readonly end: number
  /** Geometric mean probability of its tokens, 0..1. */
  readonly probability: number
}

/** A decoded token and its natural-log probability. */
export interface TokenLogprob {
  readonly token: number
  readonly text: string
  readonly logprob: number
  /** Nothing stands before it, so it has no probability; `logprob` is 0. */
  readonly isFirst?: true
  /** The likeliest tokens at this place, best first, when asked for. */
  readonly top?: readonly { readonly token: number; readonly text: string; readonly logprob: number }[]
}

/** One stretch of speech. Times in seconds from the start of the recording. */
export interface TranscriptSegment {
  /** 0, 1, 2 ... */
  readonly id: number
  /** Where decoding of this stretch began, in frames of 10 ms (OpenAI `seek`). */
  readonly seek: number
  readonly start: number
  readonly end: number
  readonly text: string
  readonly tokens: readonly number[]
  readonly temperature: number
  /** Mean natural-log probability of the tokens. */
  readonly avgLogprob: number
  /** Bytes of the text over bytes of its deflate form; high means repetition. */
  readonly compressionRatio: number
  /** Probability that nothing is said: Whisper's class for it; with CTC, of writing nothing in this stretch. */
  readonly noSpeechProb: number
  readonly words?: readonly TranscriptWord[]
  readonly logprobs?: readonly TokenLogprob[]
}

/**
 * What a transcription yields, in order. The concatenation of all `delta.text` is `done.text`.
 * A segment follows the deltas that make it up.
 */
export type TranscriptEvent =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'segment'; readonly segment: TranscriptSegment }
  | {
      readonly type: 'done'
      readonly text: string
      /** ISO 639-1. */
      readonly language: string
      readonly durationSeconds: number
      readonly usage: TokenUsage
    }

// Text -----------------------------------------------------------------------------------------------------

/** A function the model may ask the client to call. Nothing here calls it. */
export interface ToolDefinition {
  /** 1-64 of `A-Z a-z 0-9 _ -`; each name once. */
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments, an object. Absent: no arguments. */
  readonly parameters?: unknown
}

/** Whether the model may, must or must not call, or which function it must call. */
export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string }

/** A call an earlier answer asked for. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text of the arguments. */
  readonly arguments: string
}

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content: string
  /** Of an assistant turn: what it called. */
  readonly toolCalls?: readonly ToolCall[]
  /** Of a tool turn: the call it answers. */
  readonly toolCallId?: string
}

/** Shape the answer must have; enforced by a grammar where the engine has one, else `ENGINE_UNSUPPORTED`. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly schema: unknown }

/** How the next token is drawn. */
export interface SamplingParams {
  /** 0 is greedy. Default 1. Bounds 0..2. */
  readonly temperature?: number
  /** Nucleus. Default 1 (off). Bounds above 0..1. */
  readonly topP?: number
  /** Default 0 (off). */
  readonly topK?: number
  /** Default 0 (off). Bounds 0..1. */
  readonly minP?: number
  /** Same seed, model, prompt and thread count give the same text. Absent: drawn from the system. */
  readonly seed?: number
  /** -2..2, default 0. */
  readonly frequencyPenalty?: number
  /** -2..2, default 0. */
  readonly presencePenalty?: number
  /** Divides the logits of tokens already seen; default 1 (off). */
  readonly repeatPenalty?: number
  /** Added to the logit of a token id; -100 bans it, 100 forces it. */
  readonly logitBias?: Readonly<Record<string, number>>
}

/** A request to continue text: exactly one of `messages` and `prompt`. */
export interface GenerateRequest {
  readonly messages?: readonly ChatMessage[]
  /** Text, or token ids of this model. */
  readonly prompt?: string | readonly number[]
  readonly sampling?: SamplingParams
  /** Tokens of answer at most. Default: what the context leaves. */
  readonly maxTokens?: number
  /** Up to 16 strings that end the answer; they are not part of it. */
  readonly stop?: readonly string[]
  /**
   * A secret of the client: 22-128 characters of base64url or hexadecimal that hold at least 128 random bits. The prompt
   * may then continue the last one with the same salt, without evaluating what they share again. Absent: never (T19).
   */
  readonly cacheSalt?: string
  /** Absent: none. 0: of the chosen token only. 1-20: with that many alternatives. */
  readonly logprobs?: number
  readonly responseFormat?: ResponseFormat
  /** With `messages` only, 1-128. Arguments always match their schemas, whatever is sampled. */
  readonly tools?: readonly ToolDefinition[]
  /** Default `auto` where there are tools. */
  readonly toolChoice?: ToolChoice
  /** Whether one answer may hold several calls. Default true. */
  readonly parallelToolCalls?: boolean
  /** With `prompt` only: the prompt is the beginning of the answer, its log-probabilities too. Default false. */
  readonly echo?: boolean
  /** With `prompt` only: what follows the answer. `ENGINE_UNSUPPORTED` for models without tokens to fill the middle. */
  readonly suffix?: string
}

/** A request for a summary. Engines keep to the bounds as well as their kind allows; see the model card. */
export interface SummarizeRequest {
  readonly text: string
  readonly minWords?: number
  readonly maxWords?: number
  readonly minSentences?: number
  readonly maxSentences?: number
  /** For generating summarisers. Default: deterministic. */
  readonly sampling?: SamplingParams
  readonly beams?: number
}

/** What text operations yield. Deltas never split a character; their concatenation is the answer. */
export type TextEvent =
  | {
      readonly type: 'delta'
      readonly text: string
      /** Tokens this delta stands for; 0 is possible, and the usage at the end is what counts. */
      readonly tokens: number
      readonly logprobs?: readonly TokenLogprob[]
    }
  | {
      readonly type: 'tool-call'
      /** 0, 1, 2 ... of the calls of this answer. */
      readonly index: number
      /** With the first event of a call. */
      readonly name?: string
      /** What the JSON text of the arguments grows by. */
      readonly arguments: string
    }
  | {
      readonly type: 'done'
      /** `length`: the token limit or the context ended it. `tool-calls`: it ended with calls. */
      readonly finishReason: 'stop' | 'length' | 'tool-calls'
      readonly usage: TokenUsage
    }

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
