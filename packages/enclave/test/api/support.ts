import { createApi } from '../../src/api/index.ts'
import type { ServedModel } from '../../src/api/index.ts'
import type { GenerateRequest, SummarizeRequest, TranscribeParams } from '../../src/engines/types.ts'
import { engineError } from '../../src/engines/errors.ts'

/** What the fake models were asked. */
export interface Asked {
  generate: GenerateRequest[]
  summarize: SummarizeRequest[]
  transcribe: { params: TranscribeParams; bytes: number }[]
  aborted: number
  /** Calls whose signal had fired before they began. */
  sawAborted: number
}

const usage = { inputTokens: 3, outputTokens: 2 }

/** An API over fake models that answer predictably. */
export function fakeApi(maxUploadBytes = 64 * 1024 * 1024): {
  api: (request: Request) => Promise<Response>
  asked: Asked
} {
  const asked: Asked = { generate: [], summarize: [], transcribe: [], aborted: 0, sawAborted: 0 }
  const base = { digest: 'd'.repeat(64), loadedAt: 1_700_000_000 }
  const models: ServedModel[] = [
    {
      ...base,
      id: 'talker',
      task: 'text-generation',
      async *generate(request, signal) {
        asked.generate.push(request)
        if (signal.aborted) asked.sawAborted++
        signal.addEventListener('abort', () => asked.aborted++)
        const last = request.messages?.at(-1)?.content ?? String(request.prompt)
        if (last === 'too long') throw engineError('ENGINE_CONTEXT_OVERFLOW', 'prompt and answer do not fit')
        yield { type: 'delta', text: 'Hello', tokens: 1 }
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
        let bytes = 0
        for await (const chunk of file) bytes += chunk.length
        asked.transcribe.push({ params, bytes })
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
      embed: async ({ inputs, dimensions }) => ({
        vectors: inputs.map(() => new Float32Array(dimensions ?? 4).fill(0.5)),
        usage,
      }),
    },
  ]
  const api = createApi({
    models: { list: () => models },
    clock: { now: () => 1_700_000_000, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes,
  })
  return { api, asked }
}

/** A POST with a JSON body. */
export function post(path: string, body: unknown): Request {
  return new Request(`https://inference.sotto${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
