import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { fixtureBytes } from '../../../enclave/test/engines/fixtures/read.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'
import { fixtureRepository, type HubServer, startHub } from './hub-server.ts'

export const graph = fixtureBytes('bart', 'decoder_model_merged.onnx')

export let hub: HubServer
export let cwd: string
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
  // Cut after each MiB, it takes more connections than a small file gets.
  'tiny/large': { 'large.gguf': Buffer.alloc(8 * 1024 * 1024 + 5, 'weights') },
}

/** A hub and a folder of its own for each test of the file that calls this. */
export function useHub(): void {
  beforeEach(async () => {
    hub = await startHub(repositories)
    cwd = mkdtempSync(join(tmpdir(), 'sotto-pull-'))
  })
  afterEach(() => {
    hub.close()
    rmSync(cwd, { recursive: true })
  })
}

export function sotto(argv: string[], options: WorldOptions = {}): Promise<RunResult> {
  const env = { SOTTO_HUB: hub.url, ...options.env }
  return runInMemory(commands, argv, { cwd, fetch: globalThis.fetch, ...options, env })
}

export const pull = (repo: string, ...flags: string[]): Promise<RunResult> =>
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

export async function pulled(repo: string, ...flags: string[]): Promise<Pulled> {
  const { code, stdout, stderr } = await pull(repo, '--json', '-q', ...flags)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Pulled
}

export const errorOf = ({ stderr }: RunResult): Record<string, string> =>
  (JSON.parse(stderr.trim().split('\n').at(-1)!) as { error: Record<string, string> }).error

export const path = (...steps: string[]): string => join(cwd, 'models', ...steps)
