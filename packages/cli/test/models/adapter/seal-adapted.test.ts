import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelContent } from '@sotto/client/models'
import { encodeGguf, encodeLoraAdapter, type LoraMatrices } from '@sotto/protocol/gguf'
import { modelDigest, parseModelManifest } from '@sotto/protocol/model-manifest'
import { encodeOnnx } from '@sotto/protocol/onnx'
import { encodeGraphAdapter, linearForward } from '@sotto/protocol/train-graph'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tinyLlama } from '../../../../protocol/test/gguf/tiny-models.ts'
import { modelsSeal } from '../../../src/commands/models/seal.ts'
import { adaptedModel } from '../../../src/models/adapter/index.ts'
import { openModelFiles } from '../../../src/owner/index.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'

const BRANCH: LoraMatrices = {
  module: 'blk.0.attn_q',
  rank: 1,
  inputs: 8,
  outputs: 8,
  down: new Float32Array(8).fill(0.1),
  up: new Float32Array(8).fill(0.1),
}
const ADAPTER = encodeLoraAdapter({ architecture: 'llama', alpha: 1, branches: [BRANCH] })
const GRAPH_ADAPTER = encodeGraphAdapter({ alphaMilli: 1000, branches: [BRANCH] })

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-adapted-'))
  put('base.gguf', encodeGguf(tinyLlama()))
  put('tuned.gguf', ADAPTER)
})
afterEach(() => rmSync(cwd, { recursive: true }))

const at = (name: string): string => join(cwd, name)
function put(name: string, content: Uint8Array | string): void {
  writeFileSync(at(name), content)
}

async function manifestOf(source: string, adapter: string) {
  const files = await adaptedModel(at(source), at(adapter), 'mine')
  return parseModelManifest(await files['manifest.json']!.text())
}

const seal = (...argv: string[]): Promise<RunResult> =>
  runInMemory([modelsSeal], ['models', 'seal', ...argv], {
    cwd,
    env: { SOTTO_CONFIG_DIR: at('config') },
  })

describe('a model with an adapter', () => {
  it('names the model that it adapts by the digest that this one has alone', async () => {
    const { manifest: base } = await modelContent(await openModelFiles(at('base.gguf')), 'base')
    const manifest = await manifestOf('base.gguf', 'tuned.gguf')
    expect(manifest.base).toBe(base.digest)
    expect(manifest).toMatchObject({ id: 'mine', engine: 'gguf', task: 'text-generation' })
    expect(manifest.files.map(({ name, role }) => [name, role])).toEqual([
      ['base.gguf', 'weights'],
      ['tuned.gguf', 'adapter'],
    ])
    expect(manifest.digest).not.toBe(base.digest)
  })

  it('is made from a folder with a manifest as well, whose files and license it keeps', async () => {
    mkdirSync(at('folder'))
    put('folder/base.gguf', encodeGguf(tinyLlama()))
    const { manifest } = await modelContent(await openModelFiles(at('folder')), 'folder', {
      license: 'MIT',
    })
    // What it was made from itself is no part of the digest that adapters name.
    const made = { ...manifest, base: 'ab'.repeat(32) }
    put('folder/manifest.json', JSON.stringify({ ...made, digest: modelDigest(made) }))
    expect(await manifestOf('folder', 'tuned.gguf')).toMatchObject({ base: manifest.digest, license: 'MIT' })
  })

  it('can be a graph', async () => {
    put('graph.onnx', encodeOnnx(linearForward({ features: 2, outputs: 1 })))
    put('tuned.safetensors', GRAPH_ADAPTER)
    expect(await manifestOf('graph.onnx', 'tuned.safetensors')).toMatchObject({
      engine: 'onnx',
      files: [{ role: 'weights' }, { role: 'adapter' }],
    })
    put('tuned.safetensors', ADAPTER)
    await expect(manifestOf('graph.onnx', 'tuned.safetensors')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    })
  })

  it.each<[string, string, () => void]>([
    ['is a model itself', 'tuned.gguf is no LoRA adapter', () => put('tuned.gguf', encodeGguf(tinyLlama()))],
    ['is no GGUF', 'tuned.gguf is no GGUF file', () => put('tuned.gguf', 'secret')],
    ['is cut', 'tuned.gguf is no GGUF file', () => put('tuned.gguf', ADAPTER.slice(0, 60))],
    [
      'is for another architecture',
      'tuned.gguf is for another architecture',
      () => put('tuned.gguf', encodeLoraAdapter({ architecture: 'gpt2', alpha: 1, branches: [BRANCH] })),
    ],
    [
      'is a folder',
      'tuned.gguf is no file',
      () => {
        rmSync(at('tuned.gguf'))
        mkdirSync(at('tuned.gguf'))
      },
    ],
    ['stands beside what is no GGUF', 'base.gguf is no GGUF file', () => put('base.gguf', 'secret')],
  ])('is none where the adapter %s', async (_, message, change) => {
    change()
    const made = manifestOf('base.gguf', 'tuned.gguf')
    await expect(made).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    await expect(made).rejects.toThrow(message)
  })

  it('is none where the adapter is not there, or is the model', async () => {
    await expect(manifestOf('base.gguf', 'none.gguf')).rejects.toMatchObject({ code: 'CLI_FILE' })
    await expect(manifestOf('base.gguf', 'base.gguf')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      hint: 'give the file another name',
    })
  })

  it('is none of a model that has an adapter, or whose engine takes none', async () => {
    mkdirSync(at('folder'))
    for (const [name, content] of Object.entries(await adaptedModel(at('base.gguf'), at('tuned.gguf'), 'a')))
      put(`folder/${name}`, new Uint8Array(await content.arrayBuffer()))
    put('second.gguf', ADAPTER)
    await expect(manifestOf('folder', 'second.gguf')).rejects.toThrow('has an adapter already')
    const { manifest } = await modelContent(await openModelFiles(at('base.gguf')), 'base')
    const other = { ...manifest, engine: 'whisper', task: 'transcription' } as const
    rmSync(at('folder'), { recursive: true })
    mkdirSync(at('folder'))
    put('folder/base.gguf', encodeGguf(tinyLlama()))
    put('folder/manifest.json', JSON.stringify({ ...other, digest: modelDigest(other) }))
    await expect(manifestOf('folder', 'tuned.gguf')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      expected: 'a model for gguf or onnx',
    })
  })
})

describe('sotto models seal --adapter', () => {
  it('seals the model with its adapter, and shows what it adapts', async () => {
    const { manifest: base } = await modelContent(await openModelFiles(at('base.gguf')), 'base')
    const { code, stdout } = await seal('base.gguf', '--adapter', 'tuned.gguf', '--name', 'mine')
    expect(code).toBe(0)
    expect(stdout).toContain(`base    ${base.digest}\n`)
    expect(readdirSync(cwd)).toContain('mine.sealed')
    const json = await seal('base.gguf', '--adapter', 'tuned.gguf', '--out', 'other.sealed', '--json')
    const said = JSON.parse(json.stdout) as { base: string; model: string }
    expect(said.base).toBe(base.digest)
    expect(stdout).toContain(`digest  ${said.model}\n`)
  })

  it('seals nothing where the adapter is none', async () => {
    put('tuned.gguf', 'secret')
    const { code, stderr } = await seal('base.gguf', '--adapter', 'tuned.gguf')
    expect(code).not.toBe(0)
    expect(stderr).toContain('is no GGUF file')
    expect(stderr).not.toContain('secret')
    expect(readdirSync(cwd).filter((name) => name.includes('sealed'))).toEqual([])
  })
})
