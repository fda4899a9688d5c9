import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  modelDigest,
  type ModelFileEntry,
  type ModelManifest,
} from '../../packages/enclave/src/engines/index.ts'
import { LLAMA_SHAPES, writeRandomLlama } from './random-gguf.ts'
import { writeRandomWav2vec2 } from './random-wav2vec2.ts'

/** The two models a measurement runs, in a folder a stack can serve. */
export interface BenchModels {
  /** What they are, for the heading. */
  label: string
  folder: string
  chat: string
  speech: string
}

const SHIPPED_SPEECH = join(import.meta.dirname, '../../models/sotto-ctc-synthetic-en')
/** Columns of the shipped vocabulary, which the random model uses too. */
const VOCABULARY = 30

/** The small models of the product. */
export function shippedModels(folder: string): BenchModels {
  return {
    label: 'the shipped small models (3M llama, 1.8M speech)',
    folder,
    chat: 'sotto-tiny-story-en',
    speech: 'sotto-ctc-synthetic-en',
  }
}

/** Models of realistic shape with RANDOM weights, made in `folder`. They are slow like real ones and say nothing. */
export async function randomModels(folder: string, shape: keyof typeof LLAMA_SHAPES): Promise<BenchModels> {
  const chat = join(folder, 'bench-llama')
  await mkdir(chat, { recursive: true })
  writeRandomLlama(join(chat, 'model.gguf'), LLAMA_SHAPES[shape])
  await writeManifest(chat, { id: 'bench-llama', task: 'text-generation', engine: 'gguf' }, [
    ['model.gguf', 'weights'],
  ])
  const speech = join(folder, 'bench-wav2vec2')
  await mkdir(speech, { recursive: true })
  writeRandomWav2vec2(join(speech, 'model.onnx'), VOCABULARY)
  const settings = ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json']
  for (const name of settings) await cp(join(SHIPPED_SPEECH, name), join(speech, name))
  await writeManifest(speech, { id: 'bench-wav2vec2', task: 'transcription', engine: 'ctc' }, [
    ['model.onnx', 'weights'],
    ...settings.map((name) => [name, name.startsWith('tokenizer') ? 'tokenizer' : 'config'] as const),
  ])
  return {
    label: `RANDOM weights in realistic shapes (llama ${shape} q4_0, wav2vec2-base fp32)`,
    folder,
    chat: 'bench-llama',
    speech: 'bench-wav2vec2',
  }
}

async function writeManifest(
  folder: string,
  about: Pick<ModelManifest, 'id' | 'task' | 'engine'>,
  names: readonly (readonly [name: string, role: ModelFileEntry['role']])[],
): Promise<void> {
  const files: ModelFileEntry[] = []
  for (const [name, role] of names) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 2 ** 20 }))
      hash.update(chunk as Uint8Array)
    files.push({ name, sha256: hash.digest('hex'), size: (await stat(join(folder, name))).size, role })
  }
  const digest = modelDigest({ ...about, files })
  await writeFile(
    join(folder, 'manifest.json'),
    JSON.stringify({ format: 'sotto-model/1', ...about, files, digest }),
  )
}
