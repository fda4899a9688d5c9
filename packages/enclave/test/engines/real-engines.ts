import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { EngineHost, type EngineProcess, type EngineSpec } from '../../src/engines/host/index.ts'
import { modelDigest } from '../../src/engines/manifest.ts'
import type { ModelFileEntry, ModelManifest, TextEvent } from '../../src/engines/types.ts'

/** A host that runs the real engines from source. */
export function openRealHost(): Promise<EngineHost> {
  return EngineHost.open({
    entry: fileURLToPath(new URL('../../src/engines/worker/main.ts', import.meta.url)),
    require: 'best-effort',
  })
}

/** Starts a model from one file of weights. */
export function startWeights(
  host: EngineHost,
  model: Pick<ModelManifest, 'engine' | 'task'>,
  bytes: Uint8Array,
  over: Partial<EngineSpec> = {},
): Promise<EngineProcess> {
  const name = `weights.${model.engine}`
  const file: ModelFileEntry = {
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    role: 'weights',
  }
  const manifest: ModelManifest = { format: 'sotto-model/1', id: 'test', ...model, files: [file], digest: '' }
  const digest = modelDigest(manifest)
  return host.start({
    manifest: { ...manifest, digest },
    files: new Map([[name, bytes]]),
    threads: 1,
    ...over,
  })
}

/** Everything a text operation yields: the deltas, their text, and the end. */
export async function collect(events: AsyncIterable<TextEvent>): Promise<{
  text: string
  deltas: Extract<TextEvent, { type: 'delta' }>[]
  done: Extract<TextEvent, { type: 'done' }> | undefined
}> {
  const deltas: Extract<TextEvent, { type: 'delta' }>[] = []
  let done: Extract<TextEvent, { type: 'done' }> | undefined
  for await (const event of events) {
    if (event.type === 'delta') deltas.push(event)
    else if (event.type === 'done') done = event
  }
  return { text: deltas.map((delta) => delta.text).join(''), deltas, done }
}
