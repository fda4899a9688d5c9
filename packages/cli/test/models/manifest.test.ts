import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManifest, parseManifest } from '../../src/models/manifest.ts'

const text = readFileSync(
  new URL('../../../../models/sotto-ctc-synthetic-en/manifest.json', import.meta.url),
  'utf8',
)
const good = JSON.parse(text) as { files: object[] }
const changed = (change: object): string => JSON.stringify({ ...good, ...change })
const changedFile = (change: object): string => changed({ files: [{ ...good.files[0], ...change }] })

describe('a manifest', () => {
  it('of a default model has the digest of its files', () => {
    expect(parseManifest(text)).toEqual(good)
  })

  it('is read as it was written, and its digest is not that of other files', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
    const file = fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}$/),
      sha256: hex,
      size: fc.maxSafeNat(),
      role: fc.constantFrom('weights' as const, 'tokenizer' as const, 'config' as const),
    })
    const files = fc.uniqueArray(file, { minLength: 1, maxLength: 5, selector: ({ name }) => name })
    fc.assert(
      fc.property(files, hex, (entries, other) => {
        const about = { id: 'a/b', engine: 'ctc', task: 'transcription' } as const
        const { manifest, text: written } = createManifest({ ...about, files: entries })
        expect(parseManifest(written)).toEqual(manifest)
        expect(createManifest({ ...about, files: entries.toReversed() }).manifest.digest).toBe(
          manifest.digest,
        )
        fc.pre(other !== entries[0]!.sha256)
        const [first, ...rest] = entries
        const swapped = createManifest({ ...about, files: [{ ...first!, sha256: other }, ...rest] }).manifest
        expect(swapped.digest).not.toBe(manifest.digest)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it.each([
    ['that is not JSON', '{'],
    ['that is a list', '[]'],
    ['that is nothing', 'null'],
    ['of another format', changed({ format: 'sotto-model/2' })],
    ['without files', changed({ files: {} })],
    ['with too many files', changed({ files: Array(65).fill(good.files[0]) })],
    ['with a name that leaves the folder', changed({ id: '../x' })],
    ['with a file that leaves the folder', changedFile({ name: '../x' })],
    ['with a hidden file', changedFile({ name: '.lock' })],
    ['of nothing', '{}'],
    ['with a field we do not know', changed({ extra: 1 })],
    ['with a task we do not know', changed({ task: 'cooking' })],
    ['with a file twice', changed({ files: [good.files[0], good.files[0]] })],
    ['with a file that has more to say', changedFile({ extra: 1 })],
    ['with a file of no known role', changedFile({ role: 'spare' })],
    ['with fewer bytes than none', changedFile({ size: -1 })],
    ['with half a byte', changedFile({ size: 0.5 })],
    ['with a hash that is none', changedFile({ sha256: 'x' })],
    ['with another digest', changed({ digest: '0'.repeat(64) })],
    ['that is far too large', ' '.repeat(256 * 1024 + 1)],
  ])('%s is refused', (_, malformed) => {
    expect(() => parseManifest(malformed)).toThrow(expect.objectContaining({ code: 'CLI_MODEL' }))
  })
})
