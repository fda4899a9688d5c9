import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelDigest, parseModelManifest } from '../../src/engines/manifest.ts'
import { codeOf } from './host/fake-model.ts'
import { MODELS } from './testdata.ts'

const FILE = { name: 'weights.gguf', sha256: 'a'.repeat(64), size: 10, role: 'weights' }
const CONFIG = { name: 'config.json', sha256: 'b'.repeat(64), size: 2, role: 'config' }
const BASE = {
  format: 'sotto-model/1',
  id: 'stories',
  task: 'text-generation',
  engine: 'gguf',
  files: [FILE, CONFIG],
  digest: '',
}
const withDigest = (over: object = {}): Record<string, unknown> => {
  const manifest = { ...BASE, ...over } as typeof BASE
  return { ...manifest, digest: modelDigest(manifest as Parameters<typeof modelDigest>[0]) }
}
const parse = async (value: unknown): Promise<unknown> =>
  parseModelManifest(typeof value === 'string' ? value : JSON.stringify(value))

it('reads a manifest back', async () => {
  expect(await parse(withDigest({ license: 'MIT' }))).toEqual(withDigest({ license: 'MIT' }))
})

it('has a digest that is pinned, and independent of order, id and licence', () => {
  const { digest } = withDigest()
  expect(digest).toMatchInlineSnapshot(`"bc96d8890448537753cbbfe42e6ac07a19a0c8615d1596154b9c3b7367d6b517"`)
  expect(withDigest({ files: [CONFIG, FILE], id: 'other', license: 'x' }).digest).toBe(digest)
  for (const change of [
    { task: 'tensors' },
    { engine: 'onnx' },
    { files: [FILE] },
    { files: [{ ...FILE, size: 11 }, CONFIG] },
    { files: [{ ...FILE, role: 'config' }, CONFIG] },
  ]) {
    expect(withDigest(change).digest).not.toBe(digest)
  }
})

it.each([
  ['text that is no JSON', '{'],
  ['a list', []],
  ['another format', withDigest({ format: 'sotto-model/2' })],
  ['an unknown field', withDigest({ trusted: true })],
  ['an unknown engine', withDigest({ engine: 'pickle' })],
  ['an unknown task', withDigest({ task: 'x' })],
  ['an id with capitals', withDigest({ id: 'Stories' })],
  ['a path as a file name', withDigest({ files: [{ ...FILE, name: '../weights' }] })],
  ['a hidden file', withDigest({ files: [{ ...FILE, name: '.weights' }] })],
  ['a file twice', withDigest({ files: [FILE, FILE] })],
  ['a short hash', withDigest({ files: [{ ...FILE, sha256: 'aa' }] })],
  ['a negative size', withDigest({ files: [{ ...FILE, size: -1 }] })],
  ['an unknown field of a file', withDigest({ files: [{ ...FILE, url: 'x' }] })],
  ['65 files', withDigest({ files: Array.from({ length: 65 }, (_, i) => ({ ...FILE, name: `f${i}` })) })],
  ['a digest of other files', { ...withDigest(), digest: 'c'.repeat(64) }],
  ['a licence that is no text', withDigest({ license: 7 })],
  ['a manifest that is too large', ' '.repeat(300_000)],
])('refuses %s', async (_, value) => {
  expect(await codeOf(parse(value))).toBe('ENGINE_MODEL_INVALID')
})

describe('the default models', () => {
  const names = readdirSync(MODELS, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'demo',
  )
  it.each(names.map((entry) => entry.name))('%s has a manifest and a model card', (name) => {
    expect(parseModelManifest(readFileSync(join(MODELS, name, 'manifest.json'), 'utf8')).id).toBe(name)
    expect(readFileSync(join(MODELS, name, 'MODEL_CARD.md'), 'utf8')).toContain(`# ${name}`)
  })
})
