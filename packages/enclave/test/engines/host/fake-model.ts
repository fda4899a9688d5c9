import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { EngineHost, type EngineProcess, type EngineSpec } from '../../../src/engines/host/index.ts'
import { modelDigest } from '../../../src/engines/manifest.ts'
import type { ModelFileEntry, ModelManifest, TextEvent } from '../../../src/engines/types.ts'

/** Entry of the engine that misbehaves on demand. */
export const FAKE_ENTRY: string = fileURLToPath(new URL('fixtures/fake-engine.ts', import.meta.url))

/** A manifest for these files. */
export function manifestOf(
  files: ReadonlyMap<string, Uint8Array>,
  over: Partial<ModelManifest> = {},
): ModelManifest {
  const entries = [...files].map(([name, bytes]): ModelFileEntry => {
    return {
      name,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
      role: 'weights',
    }
  })
  const model = {
    format: 'sotto-model/1',
    id: 'fake',
    task: 'text-generation',
    engine: 'gguf',
    files: entries,
    ...over,
  } as const
  return { ...model, digest: modelDigest(model) }
}

/** Starts the fake engine on a model whose only file holds this text. */
export function startFake(
  host: EngineHost,
  content: string,
  over: Partial<EngineSpec> = {},
): Promise<EngineProcess> {
  const files = new Map([['weights.bin', new TextEncoder().encode(content)]])
  return host.start({ manifest: manifestOf(files), files, ...over })
}

/** A host for the fake engine. */
export function openHost(over: Partial<Parameters<typeof EngineHost.open>[0]> = {}): Promise<EngineHost> {
  return EngineHost.open({ entry: FAKE_ENTRY, require: 'best-effort', ...over })
}

/** All text of a generation. */
export async function textOf(events: AsyncIterable<TextEvent>): Promise<string> {
  let text = ''
  for await (const event of events) if (event.type === 'delta') text += event.text
  return text
}

/** Asks the fake engine and returns its whole answer. */
export function ask(engine: EngineProcess, prompt: string): Promise<string> {
  return textOf(engine.generate({ prompt }))
}

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'no error'
}
