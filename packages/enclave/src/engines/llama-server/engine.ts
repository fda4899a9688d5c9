import { randomInt } from 'node:crypto'
import { engineError } from '../errors.ts'
import { adapterOf, architectureOf, checkAdapter } from '../gguf/adapter.ts'
import { textTokens } from '../gguf/tokens.ts'
import { weightsOf, loadWords, type Words } from '../gguf/words.ts'
import type { Engine, EngineInfo, EngineModel, GenerateRequest, TextEvent } from '../types.ts'
import type { ServerClient } from '../upstream/server-client.ts'
import { dieNow } from '../worker/load.ts'
import { generateText } from './generate.ts'
import { startServer } from './process.ts'
import { SlotTable } from './slot-table.ts'

const MAX_SLOTS = 64

/** A GGUF model in a llama-server, and its vocabulary here. */
export interface Loaded {
  readonly words: Words
  readonly server: ServerClient
  readonly slots: SlotTable
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number
}

/**
 * Text generation by a llama-server that this process starts and alone can reach: it computes on all cores and batches
 * what runs at once. Words become tokens, answers become text, tools and schemas here, by the code of the `gguf` engine.
 */
export function createEngine(): Engine {
  let loaded: Loaded | undefined
  return {
    async load(model: EngineModel): Promise<EngineInfo> {
      const slots = Math.min(MAX_SLOTS, Math.max(1, model.concurrency))
      loaded = await load(model, slots)
      return { concurrency: slots, operations: ['generate', 'tokenize'], contextTokens: loaded.contextTokens }
    },

    generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<TextEvent> {
      return generateText(required(loaded), request, signal, () => randomInt(2 ** 32))
    },

    async tokenize(text: string): Promise<readonly number[]> {
      return textTokens(required(loaded).words.model, text)
    },

    async close(): Promise<void> {
      await loaded?.words.llama.dispose()
    },
  }
}

async function load(model: EngineModel, slots: number): Promise<Loaded> {
  const { serverProgram, threads } = model
  if (serverProgram === undefined) throw engineError('ENGINE_LOAD_FAILED', 'no llama-server is configured')
  const adapter = adapterOf(model)
  const words = await loadWords(model, { vocabularyOnly: true })
  if (adapter) checkAdapter(adapter, architectureOf(words.model))
  // llama.cpp itself does not say where it has the vocabulary alone.
  const trained: unknown = words.model.fileInfo.architectureMetadata.context_length
  if (typeof trained !== 'number' || !(trained >= 1))
    throw engineError('ENGINE_MODEL_INVALID', 'the model does not state its context')
  const contextTokens = Math.min(model.contextTokens, trained)
  const server = await startServer({
    program: serverProgram,
    modelPath: weightsOf(model).path,
    ...(adapter && { adapterPath: adapter.path }),
    slots,
    contextTokens,
    threads,
    // One life: the host starts both again.
    onExit: dieNow,
  })
  return { words, server, slots: new SlotTable(slots), contextTokens }
}

function required(loaded: Loaded | undefined): Loaded {
  if (!loaded) throw engineError('ENGINE_FAILED', 'no model')
  return loaded
}
