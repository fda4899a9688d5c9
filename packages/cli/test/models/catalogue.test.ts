import { describe, expect, it } from 'vitest'
import { CATALOGUE, findInCatalogue } from '../../src/models/catalogue.ts'
import { chooseGgufFile, chooseOnnxFiles } from '../../src/models/choose-files.ts'
import { MODEL_ID } from '../../src/models/manifest.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory } from '../support/memory-io.ts'

describe('the catalogue', () => {
  it.each(['whisper-tiny', 'wav2vec2-base', 't5-small', 'bart-large-cnn', 'all-minilm', 'qwen2.5-0.5b'])(
    'knows %s',
    (name) => expect(findInCatalogue(name)?.name).toBe(name),
  )

  it('has each name once, and each can be the name of a model', () => {
    const names = CATALOGUE.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !MODEL_ID.test(name))).toEqual([])
  })

  it.each(CATALOGUE.map((entry) => [entry.name, entry] as const))(
    'pins a commit, a licence and digests of %s',
    (_, { repository, revision, license, files, isComplete }) => {
      expect(repository).toMatch(/^[\w-]+\/[\w.-]+$/)
      expect(revision).toMatch(/^[0-9a-f]{40}$/)
      expect(['Apache-2.0', 'MIT']).toContain(license)
      for (const { size, sha256 } of files) {
        expect(sha256).toMatch(/^[0-9a-f]{64}$/)
        expect(Number.isSafeInteger(size) && size > 0).toBe(true)
      }
      expect(files.length > 0 || !isComplete).toBe(true)
    },
  )

  it.each(CATALOGUE.filter(({ isComplete }) => isComplete).map((entry) => [entry.name, entry] as const))(
    'pins exactly the files that the engine of %s takes',
    (_, { engine, task, files }) => {
      const listed = files.map(({ path, size, sha256 }) => ({
        path,
        size,
        digest: { kind: 'sha256' as const, hex: sha256 },
      }))
      const taken = engine === 'gguf' ? chooseGgufFile(listed) : chooseOnnxFiles(listed, { engine, task })
      expect(taken.map(({ path }) => path).sort()).toEqual(files.map(({ path }) => path).sort())
    },
  )

  it('is shown with licences, and says what has no digests', async () => {
    const { code, stdout } = await runInMemory(commands, ['models', 'ls', '--catalogue'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^whisper-tiny +transcription {2}Apache-2\.0 {2}onnx-community\/whisper-tiny {2}41\.\d MiB$/m,
    )
    expect(stdout).toMatch(/^t5-small .*not all digests known: --digest or --trust-first$/m)
    const json = await runInMemory(commands, ['models', 'ls', '--catalogue', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ models: CATALOGUE })
  })
})
