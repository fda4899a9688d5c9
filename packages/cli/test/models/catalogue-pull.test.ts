import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import type { CatalogueEntry } from '../../src/models/catalogue.ts'
import { COMMIT, fixtureRepository } from './hub-server.ts'
import { errorOf, hub, path, pull, pulled, sotto, useHub } from './pulls.ts'

useHub()

/** Entries of the same shape for the models that the hub of these tests has. */
vi.mock('../../src/models/catalogue-entries.ts', async () => {
  const pins = (model: string, of: (path: string) => boolean): CatalogueEntry['files'] =>
    Object.entries(fixtureRepository(model))
      .filter(([file]) => of(file) && file !== 'pooling.json')
      .map(([file, bytes]) => ({
        path: file,
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      }))
  const { COMMIT: revision } = await import('./hub-server.ts')
  const about = { revision, license: 'MIT' }
  return {
    ENTRIES: [
      {
        ...about,
        name: 'summary',
        repository: 'tiny/bart',
        engine: 'seq2seq',
        task: 'summarization',
        files: pins('bart', () => true),
        isComplete: true,
      },
      {
        ...about,
        name: 'speech',
        repository: 'tiny/ctc',
        engine: 'ctc',
        task: 'transcription',
        files: pins('wav2vec2', (file) => file.endsWith('.onnx')),
        isComplete: false,
      },
    ] satisfies CatalogueEntry[],
  }
})

const GRAPH = 'onnx/decoder_model_merged.onnx'

describe('a model of which every file is pinned', () => {
  it('is pulled without asking the hub what it has, and keeps its licence', async () => {
    hub.knobs.tree = 'a listing that nobody reads'
    const result = await pulled('summary')
    expect(result).toMatchObject({ model: 'summary', engine: 'seq2seq', catalogue: 'summary', pinned: true })
    expect(JSON.parse(readFileSync(path('summary', 'manifest.json'), 'utf8'))).toMatchObject({
      license: 'MIT',
    })
    expect(COMMIT).toHaveLength(40)
  })

  it('is refused with other bytes, whatever the hub says of them', async () => {
    const bytes = fixtureRepository('bart')[GRAPH]!.slice()
    bytes[1000]! ^= 1
    hub.knobs.lie = { path: GRAPH, bytes }
    const sha256 = (of: Uint8Array): string => `sha256 ${createHash('sha256').update(of).digest('hex')}`
    expect(errorOf(await pull('summary', '--json', '-q'))).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      expected: sha256(fixtureRepository('bart')[GRAPH]!),
      found: sha256(bytes),
    })
    expect(existsSync(path('summary'))).toBe(false)
  })

  it('needs no hub once it is here; another that is not says what is', async () => {
    await pulled('summary')
    hub.close()
    expect(await pulled('summary')).toMatchObject({ alreadyHere: true })
    const other = await pull('tiny/ctc')
    expect(other.code).toBe(1)
    expect(other.stderr).toMatch(/^here already, in .*models: summary\nerror: cannot reach/)
  })

  it('says where it is from', async () => {
    const { stderr } = await pull('summary')
    expect(stderr).toContain(`license: MIT, from tiny/bart at ${COMMIT.slice(0, 12)}`)
    expect(stderr).not.toContain('--digest')
  })
})

describe('a model of which digests are missing', () => {
  it('is not taken without a word of the user, and the hub not asked', async () => {
    const result = await sotto(['models', 'pull', 'speech', '--json'], {
      fetch: () => Promise.reject(new Error('asked')),
    })
    expect(result.code).toBe(2)
    expect(errorOf(result)).toMatchObject({ code: 'CLI_USAGE', expected: '--digest HEX, or --trust-first' })
  })

  it('is taken on trust once, and then by the digest it said', async () => {
    const { stdout, stderr } = await pull('speech', '--trust-first')
    const digest = /^digest {2}([0-9a-f]{64})$/m.exec(stdout)![1]!
    expect(stderr).toContain(`--digest ${digest}`)
    expect(await pulled('speech', '--digest', digest, '--name', 'again')).toMatchObject({
      digest,
      pinned: false,
    })
    const other = await pull('speech', '--digest', 'a'.repeat(64), '--name', 'third', '--json', '-q')
    expect(errorOf(other)).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      expected: 'a'.repeat(64),
      found: digest,
    })
    expect(existsSync(path('third'))).toBe(false)
  })

  it.each([
    ['another digest', { oid: 'b'.repeat(64) }, 'CLI_MODEL_DIGEST'],
    ['another size', { size: 7 }, 'CLI_MODEL_DIGEST'],
    ['not the file', undefined, 'CLI_MODEL'],
  ])('is refused when the hub lists %s where one is pinned', async (_, change, code) => {
    const sha256 = createHash('sha256').update(fixtureRepository('wav2vec2')['onnx/model.onnx']!)
    const lfs = { oid: sha256.digest('hex'), ...change }
    const size =
      change && 'size' in change ? change.size : fixtureRepository('wav2vec2')['onnx/model.onnx']!.length
    hub.knobs.tree = JSON.stringify(
      change === undefined ? [] : [{ type: 'file', path: 'onnx/model.onnx', size, oid: 'a'.repeat(40), lfs }],
    )
    expect(errorOf(await pull('speech', '--trust-first', '--json', '-q'))).toMatchObject({ code })
    expect(hub.served).toEqual([])
  })
})

it.each([
  ['another revision', ['summary@main']],
  ['another variant', ['summary', '--variant', 'fp32']],
  ['another file', ['summary', '--file', 'a.gguf']],
  ['trust where none is needed', ['summary', '--trust-first']],
  ['trust in a repository', ['tiny/bart', '--trust-first']],
])('%s is a usage error and asks nobody', async (_, args) => {
  const result = await sotto(['models', 'pull', ...args, '--json'], {
    fetch: () => Promise.reject(new Error('asked')),
  })
  expect([result.code, errorOf(result)['code']]).toEqual([2, 'CLI_USAGE'])
})
