import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EngineHost } from '../../src/engines/index.ts'
import { loadModels } from '../../src/models/load.ts'
import { openRealHost } from '../engines/real-engines.ts'
import { EMBED, sealModel, SUMMARIZE } from './sealed-file.ts'

let folder: string
let host: EngineHost
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-load-'))
  host = await openRealHost()
})
afterAll(async () => {
  await host.close()
  await rm(folder, { recursive: true })
})

/** Processes of this test that are engines, from the kernel's tables. */
function engines(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).length
}

test('sealed models become engines that offer what their task is, in the order of tasks', async () => {
  const sealed = [await sealModel(folder, EMBED), await sealModel(folder, SUMMARIZE)]
  const keys = new Map(sealed.map(({ artifact, contentKey }) => [artifact.id, contentKey]))
  const models = { directory: folder, artifacts: sealed.map(({ artifact }) => artifact) }
  const served = await loadModels(models, keys, host, () => 1_790_000_000)
  expect(served.map(({ id, task, digest, loadedAt }) => ({ id, task, digest, loadedAt }))).toEqual([
    {
      id: SUMMARIZE.id,
      task: 'summarization',
      digest: sealed[1]!.digest,
      loadedAt: 1_790_000_000,
    },
    { id: EMBED.id, task: 'embedding', digest: sealed[0]!.digest, loadedAt: 1_790_000_000 },
  ])
  const [summarize, embed] = served
  expect([summarize!.embed, embed!.summarize, embed!.generate, embed!.transcribe]).toEqual(
    Array.from({ length: 4 }, () => undefined),
  )
  const { vectors } = await embed!.embed!({ inputs: ['two words'] }, new AbortController().signal)
  expect(vectors[0]).toHaveLength(64)
})

test('one model that does not open leaves no engine of the others', async () => {
  const [good, bad] = [await sealModel(folder, EMBED), await sealModel(folder, SUMMARIZE)]
  const keys = new Map([
    [good.artifact.id, good.contentKey],
    [bad.artifact.id, good.contentKey],
  ])
  const before = engines()
  const models = { directory: folder, artifacts: [good.artifact, bad.artifact] }
  await expect(loadModels(models, keys, host, () => 0)).rejects.toMatchObject({ code: 'SEALED_KEY' })
  expect(engines()).toBe(before)
})

test('a file that is not there is named by code', async () => {
  const { artifact, contentKey } = await sealModel(folder, EMBED)
  const models = { directory: folder, artifacts: [{ ...artifact, file: 'nowhere.sealed' }] }
  await expect(loadModels(models, new Map([[artifact.id, contentKey]]), host, () => 0)).rejects.toMatchObject(
    { code: 'MODEL_UNREADABLE', action: 'fix-input' },
  )
})
