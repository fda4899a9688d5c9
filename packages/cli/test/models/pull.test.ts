import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixtureBytes } from '../../../enclave/test/engines/fixtures/read.ts'
import { commands } from '../../src/commands/index.ts'
import { partName } from '../../src/models/fetch-file.ts'
import { identityOf } from '../../src/process/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'
import { fixtureRepository, type HubServer, startHub } from './hub-server.ts'

const GRAPH = 'onnx/decoder_model_merged.onnx'
const graph = fixtureBytes('bart', 'decoder_model_merged.onnx')
const part = partName({ digest: { kind: 'sha256', hex: createHash('sha256').update(graph).digest('hex') } })

let hub: HubServer
let cwd: string
const repositories = {
  'Tiny/Whisper_1': fixtureRepository('whisper'),
  'tiny/bart': fixtureRepository('bart'),
  't5-tiny': fixtureRepository('t5'),
  'tiny/ctc': fixtureRepository('wav2vec2'),
  'tiny/sentences': {
    ...fixtureRepository('bert'),
    'pooling.json': fixtureBytes('bert', 'pooling.json'),
    'model.safetensors': new Uint8Array(9),
  },
  'tiny/gguf': {
    'a.Q4.gguf': new Uint8Array(5000).fill(7),
    'b.Q8.gguf': new Uint8Array(9000),
    'README.md': graph,
  },
}

beforeEach(async () => {
  hub = await startHub(repositories)
  cwd = mkdtempSync(join(tmpdir(), 'sotto-pull-'))
})
afterEach(() => {
  hub.close()
  rmSync(cwd, { recursive: true })
})

function sotto(argv: string[], options: WorldOptions = {}): Promise<RunResult> {
  const env = { SOTTO_HUB: hub.url, ...options.env }
  return runInMemory(commands, argv, { cwd, fetch: globalThis.fetch, ...options, env })
}

const pull = (repo: string, ...flags: string[]): Promise<RunResult> =>
  sotto(['models', 'pull', repo, '--dir', 'models', ...flags])

interface Pulled {
  model: string
  engine: string
  task: string
  digest: string
  alreadyHere: boolean
  folder: string
  files: { name: string; role: string; sha256: string }[]
}

async function pulled(repo: string, ...flags: string[]): Promise<Pulled> {
  const { code, stdout, stderr } = await pull(repo, '--json', '-q', ...flags)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Pulled
}

const errorOf = ({ stderr }: RunResult): Record<string, string> =>
  (JSON.parse(stderr.trim().split('\n').at(-1)!) as { error: Record<string, string> }).error

const path = (...steps: string[]): string => join(cwd, 'models', ...steps)

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

describe('a pull that goes wrong', () => {
  it('goes on where the connection was cut', async () => {
    hub.knobs.cut = { path: GRAPH, after: 40_000, times: 1 }
    await pulled('tiny/bart')
    expect(hub.served.filter((entry) => entry.startsWith(GRAPH))).toEqual([GRAPH, `${GRAPH} bytes=40000-`])
  })

  it('starts over when the hub knows no ranges', async () => {
    Object.assign(hub.knobs, { cut: { path: GRAPH, after: 40_000, times: 1 }, ignoresRange: true })
    await pulled('tiny/bart')
    expect(readFileSync(path('tiny--bart', 'decoder_model_merged.onnx')).equals(graph)).toBe(true)
  })

  it('keeps what it has when interrupted, and resumes it the next time', async () => {
    hub.knobs.hang = { path: GRAPH, after: 50_000 }
    const interrupt = new AbortController()
    const running = sotto(['models', 'pull', 'tiny/bart', '--dir', 'models', '--json'], {
      signal: interrupt.signal,
    })
    const file = path('.partial', 'tiny--bart', part)
    while (!existsSync(file) || readFileSync(file).length < 50_000)
      await new Promise((done) => setTimeout(done, 5))
    interrupt.abort()
    expect((await running).code).toBe(130)
    expect(existsSync(path('tiny--bart'))).toBe(false)
    expect((await sotto(['models', 'ls', '--dir', 'models'])).stderr).toContain('interrupted: tiny--bart')

    delete hub.knobs.hang
    hub.served.length = 0
    await pulled('tiny/bart')
    expect(hub.served).toEqual([`${GRAPH} bytes=50000-`])
    expect(readFileSync(path('tiny--bart', 'decoder_model_merged.onnx')).equals(graph)).toBe(true)
  })

  it('refuses bytes the listing does not name, keeps none of them, and recovers', async () => {
    const bytes = graph.slice()
    bytes[1000]! ^= 1
    hub.knobs.lie = { path: GRAPH, bytes }
    const result = await pull('tiny/bart', '--json', '-q')
    expect([result.code, errorOf(result)['code']]).toEqual([3, 'CLI_MODEL_DIGEST'])
    expect(existsSync(path('.partial', 'tiny--bart', part))).toBe(false)
    expect(existsSync(path('tiny--bart'))).toBe(false)
    delete hub.knobs.lie
    await pulled('tiny/bart')
  })

  it.each(['config.json', 'tokenizer.json'])(
    'refuses a changed %s, which is not stored by LFS',
    async (name) => {
      const bytes = fixtureBytes('bart', name)
      bytes[5]! ^= 1
      hub.knobs.lie = { path: name, bytes }
      expect(errorOf(await pull('tiny/bart', '--json', '-q'))).toMatchObject({ code: 'CLI_MODEL_DIGEST' })
    },
  )

  it('refuses more bytes than are listed', async () => {
    hub.knobs.lie = { path: GRAPH, bytes: Buffer.concat([graph, graph]) }
    expect(errorOf(await pull('tiny/bart', '--json', '-q'))).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      message: expect.stringContaining('longer'),
    })
  })

  it('says that the disk is full, and goes on when it no longer is', async () => {
    mkdirSync(path('.partial', 'tiny--bart'), { recursive: true })
    symlinkSync('/dev/full', path('.partial', 'tiny--bart', part))
    const result = await pull('tiny/bart', '--json', '-q')
    expect(result.code).toBe(2)
    expect(errorOf(result)).toMatchObject({ code: 'CLI_FILE', message: 'the disk is full' })
    rmSync(path('.partial', 'tiny--bart', part))
    await pulled('tiny/bart')
  })

  it('says so when the folder cannot be written', async () => {
    writeFileSync(join(cwd, 'models'), '')
    expect(errorOf(await pull('tiny/bart', '--json'))).toMatchObject({ code: 'CLI_FILE' })
  })

  it('waits its turn while another process pulls the same model', async () => {
    mkdirSync(path('.partial', 'tiny--bart'), { recursive: true })
    const lock = path('.partial', 'tiny--bart', '.lock')
    writeFileSync(lock, JSON.stringify(identityOf(process.ppid)))
    const result = await pull('tiny/bart', '--json')
    expect([result.code, errorOf(result)['code']]).toEqual([8, 'CLI_PENDING'])
    // What a power cut leaves: the number is another process's now.
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, started: 'an earlier boot/1' }))
    await pulled('tiny/bart')
  })

  it.each([
    [404, 2, 'CLI_MODEL', 'check owner'],
    [401, 4, 'CLI_AUTH', 'HF_TOKEN'],
    [500, 1, 'CLI_HUB', 'pull again'],
  ])('status %i is exit code %i, %s', async (status, exit, code, hint) => {
    hub.knobs.status = status
    const result = await pull('tiny/bart', '--json')
    expect(result.code).toBe(exit)
    expect(errorOf(result)).toMatchObject({ code, hint: expect.stringContaining(hint) })
  })

  it('names the default models when there is no network', async () => {
    hub.close()
    const result = await pull('tiny/bart')
    expect(result.code).toBe(1)
    expect(result.stderr).toMatch(
      /error: cannot reach 127.0.0.1:\d+ \[CLI_HUB\]\nhint: .*the default models need neither: sotto up/,
    )
  })

  it.each([
    ['no name', ['a b']],
    ['a way out of the hub', ['../../x']],
    ['two revisions', ['a/b@c@d']],
    ['a digest that is none', ['a/b', '--digest', 'abc']],
    ['a name no model can have', ['a/b', '--name', 'Ä']],
    ['a hub in clear text', ['a/b', '--hub', 'http://hub.example']],
    ['a hub that is no address', ['a/b', '--hub', 'hub']],
    ['a hub with a password', ['a/b', '--hub', 'https://me:secret@hub.example']],
  ])('%s is a usage error and asks nobody', async (_, args) => {
    const result = await sotto(['models', 'pull', ...args, '--json'], {
      fetch: () => Promise.reject(new Error('asked')),
    })
    expect([result.code, errorOf(result)['code']]).toEqual([2, 'CLI_USAGE'])
    expect(result.stderr).not.toContain('secret')
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
