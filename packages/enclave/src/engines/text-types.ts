import type { TokenLogprob, TokenUsage } from './token-types.ts'

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
  /** For generating summarisers: bounds in tokens, of each piece of a long text. They exclude those in words. */
  readonly minTokens?: number
  readonly maxTokens?: number
  /** For generating summarisers: no sequence of so many tokens twice; 0 is off. */
  readonly noRepeatNgram?: number
  /** For generating summarisers: before each piece, in place of what the model's configuration says. */
  readonly prefix?: string
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
