import { engineError } from '../errors.ts'
import type { CreateEngine, Engine, RuntimeName } from '../types.ts'

/** Where each engine lives. Imported when needed only: a text model must not load an ONNX runtime. */
const ENGINES: Readonly<Record<RuntimeName, (() => Promise<{ createEngine: CreateEngine }>) | undefined>> = {
  ctc: () => import('../ctc/index.ts'),
  gguf: () => import('../gguf/index.ts'),
  extractive: () => import('../extractive/index.ts'),
  whisper: () => import('../whisper/index.ts'),
  seq2seq: () => import('../seq2seq/index.ts'),
  embedding: () => import('../embedding/index.ts'),
  onnx: () => import('../onnx/index.ts'),
  'llama-server': () => import('../llama-server/index.ts'),
}

/**
 * Begins to load the code of an engine: its process has nothing else to do while the files of its model are still coming,
 * and a second of it is saved. Why it cannot be had is for {@link createEngine} to say.
 */
export function prepareEngine(name: string | undefined): void {
  if (name === undefined || !Object.hasOwn(ENGINES, name)) return
  void ENGINES[name as RuntimeName]?.().catch(() => undefined)
}

/** Makes the engine of this name. @throws `ENGINE_UNSUPPORTED` */
export async function createEngine(name: RuntimeName): Promise<Engine> {
  const load = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined
  if (!load) throw engineError('ENGINE_UNSUPPORTED', 'this build has no engine of that name', { found: name })
  return (await load()).createEngine()
}
