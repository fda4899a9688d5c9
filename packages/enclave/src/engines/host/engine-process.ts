import { floatBytes, type Item } from '../channel/index.ts'
import { encodedAudioItems } from '../encoded-audio.ts'
import { engineError } from '../errors.ts'
import type {
  EmbedRequest,
  EmbedResult,
  EngineInfo,
  EngineOperation,
  GenerateRequest,
  InferRequest,
  ModelManifest,
  SummarizeRequest,
  Tensor,
  TextEvent,
  TokenLogprob,
  TranscribeParams,
  TranscriptEvent,
} from '../types.ts'
import { call } from './call.ts'
import {
  decodeEmbedResult,
  decodeScores,
  decodeTensors,
  decodeTextEvent,
  decodeTokens,
  decodeTranscriptEvent,
} from './decode-events.ts'
import type { SandboxReport } from './sandbox.ts'
import type { EngineState, Supervisor } from './supervisor.ts'

/** Options every call takes. */
export interface CallOptions {
  /** Aborting frees the caller at once with `ENGINE_CANCELLED`. */
  readonly signal?: AbortSignal
}

/** Samples of one block sent to an engine at most: a second of audio. */
const BLOCK_SAMPLES = 16_000

/**
 * One loaded model, as the rest of the enclave sees it. Calls may be concurrent; those beyond what the engine runs at
 * once wait their turn. All calls throw the codes of {@link call}; an operation the model does not offer throws
 * `ENGINE_UNSUPPORTED` without bothering it.
 */
export class EngineProcess {
  readonly manifest: ModelManifest
  readonly sandbox: SandboxReport
  private readonly supervisor: Supervisor
  private readonly idleTimeoutMs: number
  private readonly release: () => void

  /** Made by `EngineHost.start`. `release` frees what the host holds for this engine. */
  constructor(
    manifest: ModelManifest,
    sandbox: SandboxReport,
    supervisor: Supervisor,
    idleTimeoutMs: number,
    release: () => void,
  ) {
    this.manifest = manifest
    this.sandbox = sandbox
    this.supervisor = supervisor
    this.idleTimeoutMs = idleTimeoutMs
    this.release = release
  }

  get state(): EngineState {
    return this.supervisor.state
  }

  /** What the engine stated when it last loaded. */
  get info(): EngineInfo {
    return this.supervisor.info
  }

  /** Process id of the present life, if it is alive. For tests and `sotto doctor`. */
  get pid(): number | undefined {
    return this.supervisor.pid
  }

  /** Calls running and waiting, and restarts so far: coarse numbers for metrics. */
  get counters(): { running: number; waiting: number; restarts: number } {
    return this.supervisor.counters
  }

  /** Transcribes mono 16 kHz audio, which is read only as fast as the engine takes it. */
  async *transcribe(
    audio: AsyncIterable<Float32Array>,
    params: TranscribeParams = {},
    options: CallOptions = {},
  ): AsyncGenerator<TranscriptEvent, void> {
    for await (const item of this.run('transcribe', json(params), options, audioItems(audio)))
      yield decodeTranscriptEvent(item)
  }

  /**
   * Transcribes a recording in any format `audio/` decodes. The engine process decodes it, so that a
   * hostile file meets neither keys nor other requests. Throws audio codes too.
   */
  async *transcribeFile(
    file: AsyncIterable<Uint8Array>,
    params: TranscribeParams = {},
    options: CallOptions = {},
  ): AsyncGenerator<TranscriptEvent, void> {
    for await (const item of this.run('transcribe', json(params), options, encodedAudioItems(file)))
      yield decodeTranscriptEvent(item)
  }

  /** Continues text or a conversation. */
  async *generate(request: GenerateRequest, options: CallOptions = {}): AsyncGenerator<TextEvent, void> {
    for await (const item of this.run('generate', json(request), options)) yield decodeTextEvent(item)
  }

  /** Summarises a text. */
  async *summarize(request: SummarizeRequest, options: CallOptions = {}): AsyncGenerator<TextEvent, void> {
    for await (const item of this.run('summarize', json(request), options)) yield decodeTextEvent(item)
  }

  /** Embeds texts. */
  async embed(request: EmbedRequest, options: CallOptions = {}): Promise<EmbedResult> {
    return decodeEmbedResult(await this.single('embed', json(request), options), request.inputs.length)
  }

  /** Runs a graph on tensors (KServe v2). */
  async infer(request: InferRequest, options: CallOptions = {}): Promise<Tensor[]> {
    const inputs = request.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))
    const item: Item = {
      json: { inputs, outputs: request.outputs },
      blobs: request.inputs.map((input) => input.data),
    }
    return decodeTensors(await this.single('infer', item, options))
  }

  /** Token ids of a text. */
  async tokenize(text: string, options: CallOptions = {}): Promise<number[]> {
    return decodeTokens(await this.single('tokenize', json({ text }), options))
  }

  /** Natural-log probability of each token of a text, or of token ids, given those before it. */
  async score(text: string | readonly number[], options: CallOptions = {}): Promise<TokenLogprob[]> {
    return decodeScores(await this.single('score', json({ text }), options))
  }

  /** Ends the process; calls in progress fail with `ENGINE_CLOSED`. The weights are gone from memory afterwards. */
  async close(): Promise<void> {
    await this.supervisor.close()
    this.release()
  }

  private run(
    operation: EngineOperation,
    request: Item,
    options: CallOptions,
    input?: AsyncIterable<Item>,
  ): AsyncGenerator<Item, void> {
    if (!this.info.operations.includes(operation)) {
      throw engineError('ENGINE_UNSUPPORTED', `this model does not offer ${operation}`, {
        expected: this.info.operations.join(', '),
      })
    }
    return call(this.supervisor, {
      operation,
      request,
      signal: options.signal,
      idleTimeoutMs: this.idleTimeoutMs,
      ...(input === undefined ? {} : { input }),
    })
  }

  private async single(operation: EngineOperation, request: Item, options: CallOptions): Promise<Item> {
    let found: Item | undefined
    for await (const item of this.run(operation, request, options)) {
      if (found) throw engineError('ENGINE_PROTOCOL', 'more than one answer')
      found = item
    }
    if (!found) throw engineError('ENGINE_PROTOCOL', 'no answer')
    return found
  }
}

function json(value: unknown): Item {
  return { json: value, blobs: [] }
}

async function* audioItems(audio: AsyncIterable<Float32Array>): AsyncGenerator<Item, void> {
  for await (const block of audio) {
    for (let at = 0; at < block.length; at += BLOCK_SAMPLES) {
      yield { json: null, blobs: [floatBytes(block.subarray(at, at + BLOCK_SAMPLES))] }
    }
  }
}
