import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ModelFiles } from '@sotto/client'
import { modelContent } from '@sotto/client/models'
import {
  ADAPTED_ENGINES,
  MODEL_FILE_NAME,
  modelDigest,
  type ModelFileEntry,
} from '@sotto/protocol/model-manifest'
import { parseGraphAdapter } from '@sotto/protocol/train-graph'
import { cliError } from '../../errors.ts'
import { openModelFiles } from '../../owner/index.ts'
import { createManifest, type Manifest } from '../manifest.ts'
import { requireGgufAdapter } from './check.ts'

/** Bytes of the adapter of a graph, which is read at once. */
const MAX_GRAPH_ADAPTER_BYTES = 2 ** 30

/**
 * The files of a model with an adapter beside it, and a manifest that names the model that it adapts: the files stay as they
 * are, so that whoever knows the digest of that model finds it in here.
 * @param source a folder or file of the model
 * @param adapter a file: GGUF beside a model in GGUF, safetensors beside a graph
 * @param id what the manifest calls it
 * @throws `CLI_FILE`, `MODEL_INVALID`, `MODEL_SOURCE`
 */
export async function adaptedModel(
  source: string,
  adapter: string,
  id: string,
  signal?: AbortSignal,
): Promise<ModelFiles> {
  const files = await openModelFiles(source)
  const { manifest } = await modelContent(files, id, {}, signal)
  const { engine, task, files: listed, license } = manifest
  if (listed.some(({ role }) => role === 'adapter'))
    throw invalid(`${source} has an adapter already`, { expected: 'the model that it was made from' })
  if (!ADAPTED_ENGINES.includes(engine))
    throw invalid(`an engine of ${source} takes no adapter`, {
      expected: `a model for ${ADAPTED_ENGINES.join(' or ')}`,
      found: `a model for ${engine}`,
    })
  const [name, content] = await fileOf(adapter)
  if (!MODEL_FILE_NAME.test(name) || Object.hasOwn(files, name) || name === 'manifest.json')
    throw invalid(`${name} is no name for an adapter of this model`, { hint: 'give the file another name' })
  if (engine === 'gguf') requireGgufAdapter(adapter, await weightsOf(source, manifest))
  else await requireGraphAdapter(adapter, content)
  const entry: ModelFileEntry = {
    name,
    sha256: await sha256Of(content, signal),
    size: content.size,
    role: 'adapter',
  }
  const { text } = createManifest({
    id,
    task,
    engine,
    files: [...listed, entry],
    base: modelDigest({ engine, task, files: listed }),
    ...(license !== undefined && { license }),
  })
  return { ...files, [name]: content, 'manifest.json': new Blob([text]) }
}

async function fileOf(path: string): Promise<[name: string, content: Blob]> {
  const about = await stat(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  })
  const content = about.isFile() ? (await openModelFiles(path))[basename(path)] : undefined
  if (content === undefined) throw invalid(`${path} is no file`, { expected: 'the file of an adapter' })
  return [basename(path), content]
}

/** Path of the weights of a model that has one file of them. */
async function weightsOf(source: string, { files }: Manifest): Promise<string> {
  const [weights, ...others] = files.filter(({ role }) => role === 'weights')
  if (weights === undefined || others.length > 0)
    throw invalid(`${source} has not exactly one file of weights`, {})
  return (await stat(source)).isDirectory() ? join(source, weights.name) : source
}

async function requireGraphAdapter(path: string, content: Blob): Promise<void> {
  if (content.size > MAX_GRAPH_ADAPTER_BYTES)
    throw invalid(`${path} is larger than an adapter may be`, {
      expected: `at most ${MAX_GRAPH_ADAPTER_BYTES} bytes`,
    })
  try {
    parseGraphAdapter(new Uint8Array(await content.arrayBuffer()))
  } catch (cause) {
    throw invalid(`${path} is no adapter of a graph`, { cause })
  }
}

async function sha256Of(content: Blob, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of content.stream()) {
    signal?.throwIfAborted()
    hash.update(piece)
  }
  return hash.digest('hex')
}

function invalid(
  message: string,
  options: { cause?: unknown; expected?: string; found?: string; hint?: string },
): Error {
  return cliError('MODEL_INVALID', message, options)
}
