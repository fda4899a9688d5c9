import { basename, extname, resolve } from 'node:path'
import type { ModelFiles } from '@sotto/client'
import { modelContent } from '@sotto/client/models'
import { MAX_PROOF_BYTES, parseRunProof } from '@sotto/client/rooms'
import { type Lineage, type LineageGiven, readFiles, traceLineage } from '@sotto/client/rooms/training'
import type { ModelManifest } from '@sotto/protocol/model-manifest'
import type { CommandContext } from '../../framework/index.ts'
import { openInput, readBytes } from '../../input/index.ts'
import { nameOf, openModelFiles } from '../../owner/index.ts'
import { readPolicy, resolvePolicyPath } from '../../service/index.ts'
import { type OriginFile, readOrigin } from './origin-file.ts'

/** Flags of every command that verifies where a model comes from. */
export const LINEAGE_FLAGS = {
  origin: {
    type: 'string',
    value: 'FILE',
    summary: 'origin of the model (default: NAME.origin.json beside it)',
  },
  proof: {
    type: 'string',
    value: 'FILE',
    summary: 'proof of its run, for parties: with the contract and the owners in it',
  },
  policy: { type: 'string', value: 'FILE', summary: 'trust policy: what you accept (SOTTO_POLICY)' },
} as const

/** Values of {@link LINEAGE_FLAGS}. */
export interface LineageFlags {
  readonly origin: string | undefined
  readonly proof: string | undefined
  readonly policy: string | undefined
}

/** Where a model comes from, every link judged. */
export interface TracedModel {
  lineage: Lineage
  origin: OriginFile
}

/**
 * Reads a model with its origin, and judges every link of its chain, offline.
 * @param path of a folder or file
 * @throws `CLI_USAGE`, `CLI_FILE`, `MODEL_SOURCE`, `MODEL_INVALID`, `TRAINING_ORIGIN`, `ROOM_PROOF` what is here is none of it
 */
export async function readLineage(
  context: CommandContext,
  path: string,
  flags: LineageFlags,
  answer?: LineageGiven['answer'],
): Promise<TracedModel> {
  const { io, signal } = context
  const policy = await readPolicy(await resolvePolicyPath(context, flags))
  const origin = await readOrigin(context, path, flags.origin)
  const { files, manifest } = await openModel(resolve(io.cwd, path), signal)
  const proof =
    flags.proof === undefined
      ? undefined
      : parseRunProof(await readBytes(await openInput(io, [flags.proof], 0), MAX_PROOF_BYTES))
  const lineage = traceLineage(
    {
      ...(manifest && { manifest }),
      files: await readFiles(files, origin.origin.salt, signal),
      origin: origin.origin,
      ...(answer && { answer }),
      ...(proof && { proof }),
    },
    policy,
  )
  return { lineage, origin }
}

/** Files by which a model is described where it has no manifest: of others only the bytes are known. */
const DESCRIBED = new Set(['.onnx', '.gguf'])

async function openModel(
  path: string,
  signal: AbortSignal,
): Promise<{ files: ModelFiles; manifest?: ModelManifest }> {
  const files = await openModelFiles(path)
  const names = Object.keys(files)
  const isOther =
    names.length === 1 && names[0] === basename(path) && !DESCRIBED.has(extname(path).toLowerCase())
  if (isOther) return { files }
  const { manifest } = await modelContent(files, nameOf(basename(path)), {}, signal)
  return { files: Object.fromEntries(manifest.files.map(({ name }) => [name, files[name]!])), manifest }
}
