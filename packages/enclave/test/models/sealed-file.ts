import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { sealArtifact } from '@sotto/protocol/sealed'
import { modelDigest } from '../../src/engines/manifest.ts'
import type { ModelManifest } from '../../src/engines/types.ts'

/** A model whose engine needs nothing but this configuration. */
export interface SmallModel {
  id: string
  task: ModelManifest['task']
  config: object
}

/** Vectors from hashed words. */
export const EMBED: SmallModel = {
  id: 'test-embed',
  task: 'embedding',
  config: { algorithm: 'hash-embedding', dimensions: 64, ngrams: [3], spread: 4 },
}
/** Sentences of the text itself. */
export const SUMMARIZE: SmallModel = {
  id: 'test-summarize',
  task: 'summarization',
  config: { algorithm: 'lexrank' },
}

/** Seals a model into `folder` and says how it is configured, and its content key. */
export async function sealModel(
  folder: string,
  { id, task, config }: SmallModel,
  contentKey: Uint8Array = crypto.randomBytes(32),
): Promise<{ artifact: { id: string; file: string }; contentKey: Uint8Array; digest: string }> {
  const content = utf8(JSON.stringify(config))
  const file = { name: 'config.json', sha256: toHex(crypto.sha256(content)), size: content.length } as const
  const model = {
    format: 'sotto-model/1',
    id,
    task,
    engine: 'extractive',
    files: [{ ...file, role: 'config' }],
  } as const
  const digest = modelDigest(model)
  const { sealed, id: artifactId } = sealArtifact({
    contentKey,
    plaintextBytes: content.length,
    source: [content],
    metadata: JSON.stringify({ ...model, digest }),
    chunkBytes: 65_536,
  })
  const parts: Uint8Array[] = []
  for await (const part of sealed) parts.push(part)
  const name = `${id}.sealed`
  await writeFile(join(folder, name), concat(...parts))
  return { artifact: { id: artifactId, file: name }, contentKey, digest }
}
