import { createHash } from 'node:crypto'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  createDigestCache,
  type DigestCache,
  imageDigest,
  type ManifestEntry,
  MAX_MANIFEST_ENTRIES,
} from '@sotto/protocol/measurement'
import { engineError } from '../errors.ts'
import { sha256File } from '../host/program.ts'
import type { UpstreamConfig, WeightsConfig } from './types.ts'

/**
 * Makes a function that hashes the folder a model server reads, and compares it with what the measured configuration
 * expects: one line `mode sha256 path` per file, sorted, as an image is measured. Links and anything but plain files are
 * refused. Whether the server has read these bytes and no others is for the measurement of the server itself to say. What
 * the file system says has not changed is not read again ({@link createDigestCache}).
 * It throws `ENGINE_MODEL_INVALID`.
 */
export function createWeightsCheck(weights: WeightsConfig): () => Promise<void> {
  const digests = createDigestCache(Date.now)
  return () => verifyWeights(weights, digests)
}

async function verifyWeights({ directory, sha256 }: WeightsConfig, digests: DigestCache): Promise<void> {
  const entries: ManifestEntry[] = []
  const digestOf = async (path: string): Promise<string> => {
    const file = join(directory, path)
    const found = await digests.digestOf({
      identify: () => lstatSync(file, { bigint: true }),
      hash: () => sha256File(file, lstatSync(file, { bigint: true }).size),
    })
    if (found === undefined) throw invalid('a file of the model keeps changing', sha256)
    return found
  }
  const visit = async (prefix: string): Promise<void> => {
    for (const { name } of readdirSync(join(directory, prefix), { withFileTypes: true })) {
      const path = prefix === '' ? name : `${prefix}/${name}`
      const stat = lstatSync(join(directory, path), { bigint: true })
      if (stat.isDirectory()) await visit(path)
      else if (!stat.isFile()) throw invalid('a link or device lies among the files of the model', sha256)
      else if (entries.length >= MAX_MANIFEST_ENTRIES)
        throw invalid('too many files lie with the model', sha256)
      else entries.push({ path, mode: Number(stat.mode & 0o777n), sha256: await digestOf(path) })
    }
  }
  let found: string
  try {
    await visit('')
    found = imageDigest(entries)
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENGINE_MODEL_INVALID') throw cause
    throw invalid('the files of the model cannot be read', sha256, 'nothing', cause)
  }
  if (found !== sha256)
    throw invalid('the files of the model are not those the configuration names', sha256, found)
}

/**
 * What receipts call the model: SHA-256 over `sotto-upstream/1 LF kind SP task SP name LF digest of the folder LF`. None
 * of the parts holds a space, so no two models share a text.
 */
export function upstreamDigest({ kind, task, model, weights }: UpstreamConfig): string {
  return createHash('sha256')
    .update(`sotto-upstream/1\n${kind} ${task} ${model}\n${weights.sha256}\n`)
    .digest('hex')
}

function invalid(message: string, expected: string, found?: string, cause?: unknown): Error {
  return engineError('ENGINE_MODEL_INVALID', message, {
    expected,
    ...(found !== undefined && { found }),
    cause,
  })
}
