import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { concat } from '@sotto/protocol/bytes'
import {
  createModelManifest,
  type ModelEngine,
  type ModelFileRole,
  type ModelManifest,
  type ModelTask,
  parseModelManifest,
} from '@sotto/protocol/model-manifest'
import { sealed, type SealedData } from './sealed-data.ts'

const FIXTURES = resolve(import.meta.dirname, '../../../packages/enclave/test/engines/fixtures')
const MODELS = resolve(import.meta.dirname, '../../../models')

/** A small model with the layout of a Hugging Face export, whose weights were drawn at random. */
export function fixtureModel(folder: string, engine: ModelEngine, task: ModelTask): ModelOnDisk {
  const path = join(FIXTURES, folder)
  const names = readdirSync(path).filter((name) => name !== 'expected.json')
  const files = names.sort().map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(path, name))) }))
  const entries = files.map(({ name, bytes }) => ({
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    role: roleOf(name),
  }))
  const manifest = createModelManifest({ id: `sotto-${folder}`, task, engine, files: entries })
  return { manifest: parseModelManifest(JSON.stringify(manifest)), files: files.map(({ bytes }) => bytes) }
}

/** A model that comes with Sotto. */
export function ownModel(name: string): ModelOnDisk {
  const path = join(MODELS, name)
  const manifest = parseModelManifest(readFileSync(join(path, 'manifest.json'), 'utf8'))
  return {
    manifest,
    files: manifest.files.map((file) => new Uint8Array(readFileSync(join(path, file.name)))),
  }
}

export interface ModelOnDisk {
  manifest: ModelManifest
  /** In the manifest's order. */
  files: Uint8Array[]
}

/** A model as an input of a room. */
export function sealedModel({ manifest, files }: ModelOnDisk): Promise<SealedData> {
  return sealed('model', 'model', concat(...files), { items: files.length, model: JSON.stringify(manifest) })
}

function roleOf(name: string): ModelFileRole {
  if (name.startsWith('encoder')) return 'encoder'
  if (name.startsWith('decoder')) return 'decoder'
  if (name.startsWith('tokenizer')) return 'tokenizer'
  return name.endsWith('.onnx') ? 'weights' : 'config'
}
