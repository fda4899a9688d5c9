import { createHash } from 'node:crypto'
import { createApi } from '../../src/api/index.ts'
import type { ServedModel } from '../../src/api/index.ts'
import type { GenerateRequest, SummarizeRequest, TranscribeParams } from '../../src/engines/types.ts'
import { engineError } from '../../src/engines/errors.ts'
import { createWaitingRoom, type WaitingRoomOptions } from '../../src/ram/waiting-room.ts'

/** What the fake models were asked. */
export interface Asked {
  generate: GenerateRequest[]
  summarize: SummarizeRequest[]
  transcribe: { params: TranscribeParams; bytes: number; sha256: string }[]
  aborted: number
  /** Calls whose signal had fired before they began. */
  sawAborted: number
}

const usage = { inputTokens: 3, outputTokens: 2 }

/** An API over fake models that answer predictably. */
export function fakeApi(
  maxUploadBytes = 64 * 1024 * 1024,
  waiting: Partial<WaitingRoomOptions> = {},
): {
  api: (request: Request) => Promise<Response>
  asked: Asked
  room: ReturnType<typeof createWaitingRoom>
  /** Makes transcriptions wait for their engine before they read, or go on; how many wait. */
  hold: (isHeld: boolean) => number
} {
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  let waitingCalls = 0
  const asked: Asked = { generate: [], summarize: [], transcribe: [], aborted: 0, sawAborted: 0 }
  const base = { digest: 'd'.repeat(64), loadedAt: 1_700_000_000 }
  const models: ServedModel[] = [
    {
      ...base,
      id: 'talker',
      task: 'text-generation',
      contextTokens: 4096,
      runsIn: 'server',
      async *generate(request, signal) {
        asked.generate.push(request)
        if (signal.aborted) asked.sawAborted++
        signal.addEventListener('abort', () => asked.aborted++)
        const last = request.messages?.at(-1)?.content ?? String(request.prompt)
        if (last === 'too long') throw engineError('ENGINE_CONTEXT_OVERFLOW', 'prompt and answer do not fit')
        const first = { token: 3, text: 'Hello', logprob: -2, top: [{ token: 4, text: 'Hi', logprob: -0.1 }] }
        yield {
          type: 'delta',
          text: 'Hello',
          tokens: 1,
          ...(request.logprobs !== undefined && { logprobs: [first] }),
        }
        if (last === 'crash') throw engineError('ENGINE_CRASHED', 'the engine process ended')
        if (last === 'forever') for (;;) yield { type: 'delta', text: ' again', tokens: 1 }
        yield {
          type: 'delta',
          text: ' there',
          tokens: 1,
          logprobs: [{ token: 7, text: ' there', logprob: -0.5 }],
        }
        yield { type: 'done', finishReason: 'stop', usage }
      },
    },
    {
      ...base,
      id: 'listener',
      task: 'transcription',
      async *transcribe(file, params) {
        waitingCalls++
        await gate.promise
        waitingCalls--
        let bytes = 0
        const sha256 = createHash('sha256')
        for await (const chunk of file) {
          bytes += chunk.length
          sha256.update(chunk)
        }
        asked.transcribe.push({ params, bytes, sha256: sha256.digest('hex') })
        if (params.prompt === 'crash') throw engineError('ENGINE_CRASHED', 'the engine process ended')
        const segment = {
          id: 0,
          seek: 0,
          tokens: [5],
          temperature: 0,
          avgLogprob: -0.1,
          compressionRatio: 1,
          noSpeechProb: 0,
        }
        yield { type: 'delta', text: 'one two' }
        yield {
          type: 'segment',
          segment: {
            ...segment,
            start: 0,
            end: 1.5,
            text: 'one two',
            words: [{ word: 'one', start: 0, end: 0.5, probability: 1 }],
          },
        }
        yield { type: 'delta', text: ' three' }
        yield {
          type: 'segment',
          segment: { ...segment, id: 1, start: 3661.25, end: 3662, text: ' three --> four' },
        }
        yield { type: 'done', text: 'one two three', language: 'en', durationSeconds: 3662.1, usage }
      },
    },
    {
      ...base,
      id: 'shortener',
      task: 'summarization',
      async *summarize(request) {
        asked.summarize.push(request)
        yield { type: 'delta', text: 'In short.', tokens: 2 }
        yield { type: 'done', finishReason: 'stop', usage }
      },
    },
    {
      ...base,
      id: 'namespace/embedder',
      task: 'embedding',
      dimensions: 8,
      embed: async ({ inputs, dimensions }) => ({
        vectors: inputs.map(() => new Float32Array(dimensions ?? 4).fill(0.5)),
        usage,
      }),
    },
  ]
  const room = createWaitingRoom({ maxFiles: 8, maxBytes: 4 * maxUploadBytes, ...waiting })
  const api = createApi({
    models: {
      list: () => models,
      aliases: { 'whisper-1': 'listener', 'gpt-4o-mini': 'talker', gone: 'gone' },
    },
    clock: { now: () => 1_700_000_000, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes,
    waitingRoom: room,
  })
  let isHolding = false
  const hold = (isHeld: boolean): number => {
    if (isHeld && !isHolding) gate = Promise.withResolvers<void>()
    if (!isHeld) gate.resolve()
    isHolding = isHeld
    return waitingCalls
  }
  return { api, asked, room, hold }
}

/** A POST with a JSON body. */
export function post(path: string, body: unknown): Request {
  return new Request(`https://inference.sotto${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
