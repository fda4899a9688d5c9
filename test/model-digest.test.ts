import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createManifest,
  modelDigest as pulledDigest,
  parseManifest,
} from '../packages/cli/src/models/manifest.ts'
import { modelDigest as servedDigest, parseModelManifest } from '../packages/enclave/src/engines/manifest.ts'
import type { ModelFileRole } from '../packages/enclave/src/engines/types.ts'

const ROLES: readonly ModelFileRole[] = [
  'weights',
  'encoder',
  'decoder',
  'weights-data',
  'tokenizer',
  'config',
]

const model = fc.record({
  engine: fc.constantFrom('ctc' as const, 'whisper' as const, 'seq2seq' as const, 'gguf' as const),
  task: fc.constantFrom('transcription' as const, 'summarization' as const, 'text-generation' as const),
  files: fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}$/),
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
      size: fc.maxSafeNat(),
      role: fc.constantFrom(...ROLES),
    }),
    { minLength: 1, maxLength: 8, selector: ({ name }) => name },
  ),
})

describe('the digest of a model', () => {
  it('is the same to who pulls it and to who serves it, and the manifest is accepted', () => {
    fc.assert(
      fc.property(model, (given) => {
        expect(pulledDigest(given)).toBe(servedDigest(given))
        const { manifest, text } = createManifest({ id: 'owner/name', ...given, description: 'Pulled.' })
        expect(parseModelManifest(text)).toEqual(manifest)
        expect(parseManifest(text)).toEqual(manifest)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it.each([
    { extra: 1 },
    { id: 'A' },
    { task: 'cooking' },
    { engine: 'steam' },
    { files: {} },
    { license: 1 },
    { description: 'x'.repeat(2001) },
  ])('comes with a manifest that both refuse when it has %o', (change) => {
    const files = [{ name: 'a', sha256: '0'.repeat(64), size: 1, role: 'weights' as const }]
    const { manifest } = createManifest({ id: 'a', engine: 'gguf', task: 'text-generation', files })
    const text = JSON.stringify({ ...manifest, ...change })
    expect(() => parseModelManifest(text)).toThrow()
    expect(() => parseManifest(text)).toThrow()
  })

  it('is pinned', () => {
    const files = [{ name: 'a', sha256: '0'.repeat(64), size: 1, role: 'weights' as const }]
    const digest = pulledDigest({ engine: 'gguf', task: 'text-generation', files })
    expect(digest).toBe('c9e4201a4c570933aaa8e7824f835b15ca1bf80802157e7567f277e5abefce69')
    expect(digest).toBe(servedDigest({ engine: 'gguf', task: 'text-generation', files }))
  })
})
