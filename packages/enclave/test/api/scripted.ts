import { createApi } from '../../src/api/index.ts'
import type { GenerateRequest, TextEvent } from '../../src/engines/types.ts'
import { createWaitingRoom } from '../../src/ram/waiting-room.ts'

const usage = { inputTokens: 3, outputTokens: 2 }

/** Pieces of an answer, and how it ends. */
export interface Script {
  readonly text?: readonly string[]
  /** Name and pieces of arguments. */
  readonly calls?: readonly (readonly [name: string, ...pieces: string[]])[]
  readonly end?: 'stop' | 'length' | 'tool-calls'
}

/** An API over one model that answers what it is told to, whatever it was asked for. */
export function scriptedApi(script: Script): {
  api: (request: Request) => Promise<Response>
  asked: GenerateRequest[]
} {
  const asked: GenerateRequest[] = []
  async function* generate(request: GenerateRequest): AsyncGenerator<TextEvent> {
    asked.push(request)
    for (const text of script.text ?? []) yield { type: 'delta', text, tokens: 1 }
    for (const [index, [name, ...pieces]] of (script.calls ?? []).entries()) {
      yield { type: 'tool-call', index, name, arguments: '' }
      for (const piece of pieces) yield { type: 'tool-call', index, arguments: piece }
    }
    yield { type: 'done', finishReason: script.end ?? 'stop', usage }
  }
  const model = { id: 'm', task: 'text-generation', digest: 'd'.repeat(64), loadedAt: 0, generate } as const
  const api = createApi({
    models: { list: () => [model] },
    clock: { now: () => 0, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes: 1024,
    waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 1024 }),
  })
  return { api, asked }
}
