import { expect, it } from 'vitest'
import { parseJob } from '../../src/bench/index.ts'
import { modelDigest } from '../../src/engines/manifest.ts'

const FILE = { name: 'a.gguf', sha256: 'ab'.repeat(32), size: 1, role: 'weights' }
const PARTS = { engine: 'gguf', task: 'text-generation', files: [FILE] }
const MANIFEST = {
  format: 'sotto-model/1',
  id: 'a',
  ...PARTS,
  digest: modelDigest(PARTS as Parameters<typeof modelDigest>[0]),
}
const TEXT = {
  kind: 'text',
  manifest: MANIFEST,
  folder: '/models',
  text: 'once',
  chunkTokens: 512,
  promptTokens: 256,
  generateTokens: 64,
}

it('reads both kinds of job', () => {
  expect(parseJob(JSON.stringify(TEXT))).toEqual(TEXT)
  const speech = { kind: 'speech', manifest: MANIFEST, folder: '/models', threads: 2, audio: ['/a.wav'] }
  expect(parseJob(JSON.stringify(speech))).toEqual(speech)
})

it.each([
  ['no JSON', '{', 'ENGINE_PROTOCOL'],
  ['a list', '[]', 'ENGINE_PROTOCOL'],
  ['nothing', 'null', 'ENGINE_PROTOCOL'],
  ['another kind', JSON.stringify({ ...TEXT, kind: 'train' }), 'ENGINE_PROTOCOL'],
  ['no text', JSON.stringify({ ...TEXT, text: 1 }), 'ENGINE_PROTOCOL'],
  ['a chunk of minus one', JSON.stringify({ ...TEXT, chunkTokens: -1 }), 'ENGINE_PROTOCOL'],
  ['a thread and a half', JSON.stringify({ ...TEXT, threads: 1.5 }), 'ENGINE_PROTOCOL'],
  [
    'another digest',
    JSON.stringify({ ...TEXT, manifest: { ...MANIFEST, digest: 'cd'.repeat(32) } }),
    'ENGINE_MODEL_INVALID',
  ],
  ['no manifest', JSON.stringify({ ...TEXT, manifest: undefined }), 'ENGINE_MODEL_INVALID'],
])('refuses %s', (_, line, code) => {
  expect(() => parseJob(line)).toThrow(expect.objectContaining({ code }))
})
