import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Engine, EngineInfo, EngineModel } from '../../../src/engines/types.ts'

/** Loads a model into an engine in this process: for tests of what it answers, not of where it runs. */
export function openHere(
  engine: Engine,
  path: string,
  model: Partial<Pick<EngineModel, 'engine' | 'task' | 'contextTokens'>> = {},
): Promise<EngineInfo> {
  const name = basename(path)
  const file = {
    name,
    role: name.endsWith('.json') ? ('config' as const) : ('weights' as const),
    size: statSync(path).size,
    path,
    bytes: () => new Uint8Array(readFileSync(path)),
  }
  return engine.load({
    id: 'test',
    task: 'text-generation',
    engine: 'gguf',
    files: new Map([[name, file]]),
    threads: 1,
    contextTokens: 512,
    concurrency: 4,
    ...model,
  })
}
