import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { afterEach, expect, test } from 'vitest'
import { modelDigest } from '../../../src/engines/manifest.ts'
import type { ModelManifest } from '../../../src/engines/index.ts'
import { memoryOf } from '../../../src/models/owned/memory.ts'
import { ALICE, OwnedWorld } from './world.ts'

const GIB = 2 ** 30
const file = (size: number) => ({ name: 'weights', sha256: '00'.repeat(32), size, role: 'weights' as const })

let world: OwnedWorld
afterEach(() => world?.models.close())

test('a model takes its files, and one that runs a graph all that its engine may have', () => {
  for (const engine of ['gguf', 'extractive'] as const)
    expect(memoryOf({ engine, files: [file(GIB), file(7)] }), engine).toBe(GIB + 7)
  for (const engine of ['onnx', 'ctc', 'whisper', 'seq2seq', 'embedding'] as const)
    expect(memoryOf({ engine, files: [file(GIB), file(8)] }), engine).toBe(GIB + 8 + 2 * GIB + 4 * (GIB + 8))
})

test('a small graph that may ask for more memory than there is never gets an engine', async () => {
  const content = utf8('a graph of a few bytes')
  const graph = {
    engine: 'onnx',
    task: 'embedding',
    files: [
      { name: 'config.json', sha256: toHex(crypto.sha256(content)), size: content.length, role: 'weights' },
    ],
  } satisfies Pick<ModelManifest, 'engine' | 'task' | 'files'>
  const manifest = { ...graph, digest: modelDigest(graph) }
  world = new OwnedWorld()
  const limits = { maxModels: 4, maxPerOwner: 4, idleSeconds: 600 }
  const name = await world.publish(ALICE, 'graph', 1, { content, manifest })
  await expect(world.open({ limits: { ...limits, maxBytes: GIB } }).find(name)).rejects.toMatchObject({
    code: 'OWNED_MODEL_TOO_LARGE',
    expected: `at most ${GIB} bytes`,
    found: `${memoryOf(graph)}`,
  })
  expect(world.started).toEqual([])
  await world.models.close()
  await world.open({ limits: { ...limits, maxBytes: 3 * GIB } }).find(name)
  expect(world.started).toEqual(['graph'])
  // It holds what it may take: another one has to wait.
  const release = await world.models
    .find(name)
    .then((model) => model!.generate!({ prompt: 'a' }, AbortSignal.timeout(60_000)))
  await release[Symbol.asyncIterator]().next()
  const other = await world.publish(ALICE, 'other', 1, { content, manifest: { ...manifest, id: 'other' } })
  await expect(world.models.find(other)).rejects.toMatchObject({ code: 'OWNED_MODEL_BUSY' })
})
