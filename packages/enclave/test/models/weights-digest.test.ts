import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { sealArtifact } from '@sotto/protocol/sealed'
import { createApi, modelDigestOf } from '../../src/api/index.ts'
import type { EngineHost } from '../../src/engines/index.ts'
import { modelDigest } from '../../src/engines/manifest.ts'
import { loadModels } from '../../src/models/load.ts'
import { claim } from '../../../../test/claims.ts'
import { openRealHost } from '../engines/real-engines.ts'
import { EMBED } from './sealed-file.ts'

let folder: string
let host: EngineHost
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-weights-'))
  host = await openRealHost()
})
afterAll(async () => {
  await host.close()
  await rm(folder, { recursive: true })
})

/** A model as an owner seals it: what its manifest says of `claimed`, with the bytes of `loaded` in it. */
async function seal(
  claimed: Uint8Array,
  loaded: Uint8Array,
): Promise<{ digest: string; models: Parameters<typeof loadModels>[0]; keys: Map<string, Uint8Array> }> {
  const file = {
    name: 'config.json',
    sha256: toHex(crypto.sha256(claimed)),
    size: claimed.length,
    role: 'config',
  } as const
  const model = {
    format: 'sotto-model/1',
    id: 'test',
    task: 'embedding',
    engine: 'extractive',
    files: [file],
  } as const
  const digest = modelDigest(model)
  const contentKey = crypto.randomBytes(32)
  const { sealed, id } = sealArtifact({
    contentKey,
    plaintextBytes: loaded.length,
    source: [loaded],
    metadata: JSON.stringify({ ...model, digest }),
    chunkBytes: 65_536,
  })
  const parts: Uint8Array[] = []
  for await (const part of sealed) parts.push(part)
  await writeFile(join(folder, `${id}.sealed`), concat(...parts))
  return {
    digest,
    models: { directory: folder, artifacts: [{ id, file: `${id}.sealed` }] },
    keys: new Map([[id, contentKey]]),
  }
}

const weights = utf8(JSON.stringify(EMBED.config))

test(
  claim('T16', 'the model that the gateway signs for is the digest of the bytes that were loaded'),
  async () => {
    const { models, keys, digest } = await seal(weights, weights)
    const served = await loadModels(models, keys, host, () => 1_790_000_000)
    const api = createApi({
      models: { list: () => served },
      clock: { now: () => 1_790_000_000, randomBytes: (length) => new Uint8Array(length) },
      maxUploadBytes: 1024,
      waitingRoom: undefined as never,
    })
    const body = JSON.stringify({ model: 'test', input: 'two words' })
    const request = new Request('https://inference.sotto/v1/embeddings', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const response = await api(request)
    expect(response.status).toBe(200)
    // Computed here from the bytes alone, not taken from what was loaded.
    const text = `sotto-model/1\nextractive embedding\n${toHex(crypto.sha256(weights))} ${weights.length} config config.json\n`
    expect(modelDigestOf(response)).toBe(toHex(crypto.sha256(utf8(text))))
    expect(modelDigestOf(response)).toBe(digest)
  },
)

test(
  claim('T16', 'other bytes than the manifest names are never loaded, though its owner sealed them'),
  async () => {
    const changed = weights.slice()
    changed[changed.length - 2]! ^= 1
    const { models, keys } = await seal(weights, changed)
    await expect(loadModels(models, keys, host, () => 0)).rejects.toMatchObject({
      code: 'ENGINE_MODEL_INVALID',
    })
  },
)
