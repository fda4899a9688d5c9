import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createModelManifest,
  MODEL_ENGINES,
  MODEL_FILE_ROLES,
  MODEL_TASKS,
  modelDigest,
  parseModelManifest,
} from '@sotto/protocol/model-manifest'

const FILE = { name: 'weights.gguf', sha256: 'a'.repeat(64), size: 10, role: 'weights' } as const
const CONFIG = { name: 'config.json', sha256: 'b'.repeat(64), size: 2, role: 'config' } as const
const MODEL = { id: 'stories', task: 'text-generation', engine: 'gguf', files: [FILE, CONFIG] } as const
const good = createModelManifest(MODEL)
const ADAPTER = { name: 'adapter.gguf', sha256: 'd'.repeat(64), size: 7, role: 'adapter' } as const
const ADAPTED = { ...MODEL, files: [FILE, CONFIG, ADAPTER], base: good.digest } as const
const changed = (change: object): string => {
  const model = { ...good, ...change }
  return JSON.stringify({ ...model, digest: modelDigest(model as typeof good) })
}

describe('a manifest', () => {
  it('is read as it was written, in any spelling of white space', () => {
    const file = fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}$/),
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
      size: fc.maxSafeNat(),
      role: fc.constantFrom(...MODEL_FILE_ROLES.filter((role) => role !== 'adapter')),
    })
    const model = fc.record(
      {
        id: fc.stringMatching(/^[a-z0-9][a-z0-9._/-]{0,40}$/),
        task: fc.constantFrom(...MODEL_TASKS),
        engine: fc.constantFrom(...MODEL_ENGINES),
        files: fc.uniqueArray(file, { maxLength: 5, selector: ({ name }) => name }),
        license: fc.string({ maxLength: 40 }),
        base: fc.stringMatching(/^[0-9a-f]{64}$/),
      },
      { requiredKeys: ['id', 'task', 'engine', 'files'] },
    )
    fc.assert(
      fc.property(model, (about) => {
        const manifest = createModelManifest(about)
        expect(parseModelManifest(JSON.stringify(manifest))).toEqual(manifest)
        expect(parseModelManifest(`${JSON.stringify(manifest, null, 2)}\n`)).toEqual(manifest)
      }),
    )
  })

  it('has the digest of its text, whatever the order of its files', () => {
    expect(good.digest).toBe('bc96d8890448537753cbbfe42e6ac07a19a0c8615d1596154b9c3b7367d6b517')
    expect(modelDigest({ ...MODEL, files: [CONFIG, FILE] })).toBe(good.digest)
    for (const change of [
      { task: 'tensors' },
      { engine: 'onnx' },
      { files: [FILE] },
      { files: [{ ...FILE, size: 11 }, CONFIG] },
      { files: [{ ...FILE, role: 'config' }, CONFIG] },
    ] as const)
      expect(modelDigest({ ...MODEL, ...change })).not.toBe(good.digest)
  })

  it('of an adapter says what it adapts, and is read as it was written', () => {
    const adapted = createModelManifest(ADAPTED)
    expect(parseModelManifest(JSON.stringify(adapted))).toEqual(adapted)
    expect(adapted.digest).toBe('a02a7c744a22a994a4c780e16738a232ad9d0102b1bc6a3fc5e5f3dc783f6511')
    const alone = createModelManifest({ ...ADAPTED, files: [ADAPTER] })
    expect(parseModelManifest(JSON.stringify(alone))).toEqual(alone)
  })

  it('with a base has another digest than without, and than with another base', () => {
    const digests = [undefined, good.digest, 'a'.repeat(64)].map((base) =>
      modelDigest({ ...MODEL, ...(base !== undefined && { base }) }),
    )
    expect(digests[0]).toBe(good.digest)
    expect(new Set(digests).size).toBe(3)
  })

  it.each([
    ['of an adapter that does not say of what', changed({ files: [FILE, CONFIG, ADAPTER] })],
    [
      'of an adapter of other weights',
      changed({ ...ADAPTED, files: [{ ...FILE, size: 11 }, CONFIG, ADAPTER] }),
    ],
    ['of an adapter of fewer files', changed({ ...ADAPTED, files: [FILE, ADAPTER] })],
    ['of an adapter of itself', changed({ ...ADAPTED, base: createModelManifest(ADAPTED).digest })],
    ['of an adapter that its engine leaves out', changed({ ...ADAPTED, engine: 'whisper' })],
    ['with a base that is no digest', changed({ base: 'x' })],
    ['that is no JSON', '{'],
    ['that is a list', '[]'],
    ['that is nothing', 'null'],
    ['with a member twice', JSON.stringify(good).replace('{', '{"id":"other",')],
    ['of another format', changed({ format: 'sotto-model/2' })],
    ['with a member we do not know', changed({ trusted: true })],
    ['with an engine we do not know', changed({ engine: 'pickle' })],
    ['with a task we do not know', changed({ task: 'cooking' })],
    ['with a name that leaves the folder', changed({ id: '../x' })],
    ['with a file that leaves the folder', changed({ files: [{ ...FILE, name: '../x' }] })],
    ['with a hidden file', changed({ files: [{ ...FILE, name: '.lock' }] })],
    ['with a file twice', changed({ files: [FILE, FILE] })],
    ['with a file that has more to say', changed({ files: [{ ...FILE, url: 'x' }] })],
    ['with fewer bytes than none', changed({ files: [{ ...FILE, size: -1 }] })],
    ['with half a byte', changed({ files: [{ ...FILE, size: 0.5 }] })],
    ['with a hash that is none', changed({ files: [{ ...FILE, sha256: 'x' }] })],
    ['with 65 files', changed({ files: Array.from({ length: 65 }, (_, n) => ({ ...FILE, name: `f${n}` })) })],
    ['with the digest of other files', JSON.stringify({ ...good, digest: 'c'.repeat(64) })],
    ['with a licence that is no text', changed({ license: 7 })],
    ['that is far too large', ' '.repeat(256 * 1024 + 1)],
  ])('%s is refused', (_, text) => {
    expect(() => parseModelManifest(text)).toThrow(expect.objectContaining({ code: 'MODEL_MANIFEST' }))
  })
})
