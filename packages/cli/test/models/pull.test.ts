import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cwd, errorOf, hub, path, pull, pulled, sotto, useHub } from './pulls.ts'

useHub()

describe('sotto models pull', () => {
  it.each([
    ['Tiny/Whisper_1', 'tiny/whisper_1', 'whisper', 'transcription'],
    ['tiny/bart', 'tiny/bart', 'seq2seq', 'summarization'],
    ['t5-tiny', 't5-tiny', 'seq2seq', 'summarization'],
    ['tiny/ctc', 'tiny/ctc', 'ctc', 'transcription'],
    ['tiny/sentences', 'tiny/sentences', 'embedding', 'embedding'],
  ])('%s becomes %s for the %s engine, for %s', async (repo, model, engine, task) => {
    const result = await pulled(repo)
    expect(result).toMatchObject({ model, engine, task, alreadyHere: false })
    const folder = path(model.replaceAll('/', '--'))
    expect(result.folder).toBe(folder)
    expect(readdirSync(folder).sort()).toEqual(
      ['manifest.json', ...result.files.map(({ name }) => name)].sort(),
    )
    for (const { name, sha256 } of result.files)
      expect(
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ).toBe(sha256)
    expect(readdirSync(path('.partial'))).toEqual([])
  })

  it('takes no more than an engine needs, each file in its role', async () => {
    const { files } = await pulled('tiny/sentences')
    expect(files.map(({ name, role }) => [name, role])).toEqual([
      ['config.json', 'config'],
      ['tokenizer.json', 'tokenizer'],
      ['pooling.json', 'config'],
      ['model.onnx', 'weights'],
    ])
    expect(hub.served).not.toContain('model.safetensors')
  })

  it('asks which file to take when there are several of GGUF', async () => {
    const undecided = await pull('tiny/gguf', '--json')
    expect(undecided.code).toBe(2)
    expect(errorOf(undecided)).toMatchObject({
      code: 'CLI_MODEL',
      found: 'a.Q4.gguf, b.Q8.gguf',
      hint: 'choose one with --file',
    })
    const { engine, task, files } = await pulled('tiny/gguf', '--file', 'a.Q4.gguf')
    expect({ engine, task, files }).toMatchObject({
      engine: 'gguf',
      task: 'text-generation',
      files: [{ name: 'a.Q4.gguf', role: 'weights' }],
    })
  })

  it('says what it pulled, shows its progress, and how to serve it', async () => {
    const { stdout, stderr } = await pull('tiny/bart')
    expect(stdout).toMatch(
      /^tiny\/bart {2}summarization \(seq2seq\), 163\.\d KiB\ndigest {2}[0-9a-f]{64}\nfolder {2}\/.*tiny--bart\n$/,
    )
    expect(stderr).toContain('tiny/bart: 100 % of 163.')
    expect(stderr).toContain('serve it: sotto up --models models')
  })

  it('puts models in the folder of the user unless told otherwise', async () => {
    await sotto(['models', 'pull', 't5-tiny', '-q'])
    expect(existsSync(join(cwd, '.local/share/sotto/models/t5-tiny/manifest.json'))).toBe(true)
    await sotto(['models', 'pull', 't5-tiny', '-q'], { env: { XDG_DATA_HOME: 'data' } })
    expect(existsSync(join(cwd, 'data/sotto/models/t5-tiny/manifest.json'))).toBe(true)
  })

  it('fetches nothing twice, and notices a model that was changed since', async () => {
    const first = await pulled('tiny/bart')
    hub.served.length = 0
    expect(await pulled('tiny/bart')).toEqual({ ...first, alreadyHere: true })
    expect(hub.served).toEqual(['config.json'])
    writeFileSync(path('tiny--bart', 'tokenizer.json'), '{}')
    const changed = await pull('tiny/bart', '--json')
    expect(errorOf(changed)).toMatchObject({ code: 'CLI_USAGE', hint: expect.stringContaining('--replace') })
    expect(await pulled('tiny/bart', '--replace')).toEqual(first)
  })

  it('asks for the revision, and follows a listing in pages', async () => {
    hub.knobs.pageSize = 2
    expect(await pulled('tiny/bart@refs/pr/1')).toMatchObject({ engine: 'seq2seq' })
    expect(errorOf(await pull('tiny/bart@v9', '--json'))).toMatchObject({
      code: 'CLI_MODEL',
      message: expect.stringContaining('no tiny/bart at v9'),
    })
  })

  it('shows a token to the hub', async () => {
    await sotto(['models', 'pull', 't5-tiny', '-q'], { env: { HF_TOKEN: 'hf_secret' } })
    expect(hub.tokens[0]).toBe('Bearer hf_secret')
  })
})

describe('a required digest', () => {
  it('is that of the content, whatever the model is called', async () => {
    const { digest } = await pulled('tiny/bart')
    expect(await pulled('tiny/bart', '--name', 'mine', '--digest', digest)).toMatchObject({
      model: 'mine',
      digest,
    })
  })

  it('refuses any other model and removes what was fetched', async () => {
    const result = await pull('tiny/bart', '--json', '--digest', 'a'.repeat(64))
    expect(result.code).toBe(3)
    expect(errorOf(result)).toMatchObject({ code: 'CLI_MODEL_DIGEST', expected: 'a'.repeat(64) })
    expect(readdirSync(path())).toEqual(['.partial'])
    expect(readdirSync(path('.partial'))).toEqual([])
  })

  it('leaves a model alone that is here already', async () => {
    await pulled('tiny/bart')
    const result = await pull('tiny/bart', '--json', '--digest', 'a'.repeat(64))
    expect(errorOf(result)).toMatchObject({ code: 'CLI_MODEL_DIGEST' })
    expect(existsSync(path('tiny--bart', 'manifest.json'))).toBe(true)
  })
})

describe('sotto models ls', () => {
  it('lists models with their digest, and what is no model', async () => {
    const { digest } = await pulled('t5-tiny')
    mkdirSync(path('stray'))
    const { stdout, stderr } = await sotto(['models', 'ls', '--dir', 'models'])
    expect(stdout).toMatch(
      new RegExp(`^t5-tiny {2}summarization {2}seq2seq {2}\\d+\\.\\d KiB {2}${digest}\n$`),
    )
    expect(stderr).toContain('stray holds no model')
    const json = JSON.parse((await sotto(['models', 'ls', '--dir', 'models', '--json'])).stdout) as object
    expect(json).toMatchObject({
      models: [{ folder: path('stray') }, { model: 't5-tiny', digest }],
      partial: [],
    })
  })

  it('says that there are none', async () => {
    const { code, stdout, stderr } = await sotto(['models', 'ls'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('no pulled models')
  })
})
