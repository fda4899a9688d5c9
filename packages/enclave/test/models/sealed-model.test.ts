import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { sealArtifact } from '@sotto/protocol/sealed'
import { openSealedModel } from '../../src/models/sealed-model.ts'
import { modelDigest } from '../../src/engines/manifest.ts'
import type { ModelFileEntry } from '../../src/engines/types.ts'

const folder = mkdtempSync(join(tmpdir(), 'sotto-models-'))
afterAll(() => rmSync(folder, { recursive: true }))
const KEY = crypto.sha256(utf8('content key'))

const FILES: Record<string, Uint8Array> = {
  'config.json': utf8('{"words":3}'),
  'empty.json': new Uint8Array(),
  'weights.onnx': crypto.xof('shake128', 150_000, utf8('weights')),
}

function manifestOf(files: Record<string, Uint8Array>): string {
  const entries: ModelFileEntry[] = Object.entries(files).map(([name, bytes]) => ({
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    role: name.endsWith('.onnx') ? 'weights' : 'config',
  }))
  const model = { engine: 'extractive', task: 'summarization', files: entries } as const
  return JSON.stringify({ format: 'sotto-model/1', id: 'test/model', ...model, digest: modelDigest(model) })
}

let count = 0
async function seal(metadata: string, content: Uint8Array): Promise<{ file: string; bytes: Uint8Array }> {
  const { sealed } = sealArtifact({
    contentKey: KEY,
    plaintextBytes: content.length,
    source: [content],
    metadata,
    chunkBytes: 65_536,
  })
  const parts: Uint8Array[] = []
  for await (const part of sealed) parts.push(part)
  const file = join(folder, `${count++}.sealed`)
  const bytes = concat(...parts)
  writeFileSync(file, bytes)
  return { file, bytes }
}

test('gives the manifest and exactly the files, across chunk boundaries', async () => {
  const { file } = await seal(manifestOf(FILES), concat(...Object.values(FILES)))
  const { manifest, files } = await openSealedModel(file, KEY)
  expect(manifest.id).toBe('test/model')
  expect([...files.keys()]).toEqual(Object.keys(FILES))
  for (const [name, bytes] of files) expect(Buffer.from(bytes).equals(FILES[name]!)).toBe(true)
})

test('another content key opens nothing', async () => {
  const { file } = await seal(manifestOf(FILES), concat(...Object.values(FILES)))
  await expect(openSealedModel(file, crypto.sha256(utf8('other')))).rejects.toMatchObject({
    code: 'SEALED_KEY',
    action: 'stop',
  })
})

test('a byte changed anywhere on the untrusted disk is found', async () => {
  const { file, bytes } = await seal(manifestOf(FILES), concat(...Object.values(FILES)))
  for (const at of [0, 9, 40, 60, 100, 200, 2000, 70_000, bytes.length - 1]) {
    const changed = bytes.slice()
    changed[at] = changed[at]! ^ 1
    writeFileSync(file, changed)
    await expect(openSealedModel(file, KEY)).rejects.toMatchObject({
      code: expect.stringMatching(/^SEALED_/),
    })
  }
})

test('a file that was cut is found', async () => {
  const { file, bytes } = await seal(manifestOf(FILES), concat(...Object.values(FILES)))
  for (const length of [0, 50, 1000, 66_000, bytes.length - 1]) {
    writeFileSync(file, bytes.subarray(0, length))
    await expect(openSealedModel(file, KEY)).rejects.toMatchObject({
      code: expect.stringMatching(/^SEALED_/),
    })
  }
})

test('a manifest and content of different lengths are refused', async () => {
  const content = concat(...Object.values(FILES))
  for (const other of [content.subarray(1), concat(content, Uint8Array.of(0))]) {
    const { file } = await seal(manifestOf(FILES), other)
    await expect(openSealedModel(file, KEY)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
  }
})

test('metadata that is no manifest is refused', async () => {
  const { file } = await seal('{}', new Uint8Array(10))
  await expect(openSealedModel(file, KEY)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
})

test('a file that is not there is an error about the configuration', async () => {
  await expect(openSealedModel(join(folder, 'absent'), KEY)).rejects.toMatchObject({
    code: 'MODEL_UNREADABLE',
    action: 'fix-input',
  })
})
