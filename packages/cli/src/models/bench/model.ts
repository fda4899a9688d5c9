import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { modelContent } from '@sotto/client/models'
import type { ModelManifest } from '@sotto/protocol/model-manifest'
import { cliError } from '../../errors.ts'
import { openModelFiles } from '../../owner/index.ts'
import { type GgufHeader, readGgufHeader } from '../gguf/index.ts'
import type { ModelLabel } from './figures.ts'

/** A model that can be measured. */
export interface BenchModel {
  readonly kind: 'text' | 'speech'
  readonly manifest: ModelManifest
  /** Where its files lie. */
  readonly folder: string
  readonly label: ModelLabel
}

/**
 * Looks at a GGUF file, or at the folder of a model with its manifest.json.
 * @throws `CLI_FILE`, `MODEL_INVALID`, `MODEL_SOURCE`
 */
export async function openBenchModel(cwd: string, file: string, signal: AbortSignal): Promise<BenchModel> {
  const path = resolve(cwd, file)
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true
  if (!isFolder && !/\.gguf$/i.test(path))
    throw cliError('MODEL_INVALID', `${file} is no model that can be measured`, {
      expected: 'a .gguf file, or the folder of a model with its manifest.json',
    })
  const folder = isFolder ? path : dirname(path)
  const { manifest, bytes } = await modelContent(await openModelFiles(path), 'model', {}, signal)
  const weights = manifest.files.find(({ role }) => role === 'weights')
  const header =
    manifest.engine === 'gguf' && weights !== undefined
      ? await readGgufHeader(join(folder, weights.name))
      : undefined
  return {
    kind: kindOf(file, manifest),
    manifest,
    folder,
    label: labelOf(isFolder ? manifest.id : basename(path), bytes, manifest, header),
  }
}

function kindOf(file: string, { task, engine }: ModelManifest): BenchModel['kind'] {
  if (engine === 'gguf') return 'text'
  if (task === 'transcription') return 'speech'
  throw cliError('MODEL_INVALID', `${file} is no model that can be measured`, {
    expected: 'a text model in GGUF, or one for transcription',
    found: `${task} (${engine})`,
  })
}

function labelOf(
  file: string,
  bytes: number,
  manifest: ModelManifest,
  header: GgufHeader | undefined,
): ModelLabel {
  if (header === undefined) return { file, quantization: manifest.engine, bytes }
  const { quantization, parameters } = header
  return { file, quantization, bytes, ...(parameters > 0 && { bitsPerWeight: (8 * bytes) / parameters }) }
}
