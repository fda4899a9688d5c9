import { createHash, hash as hashOnce } from 'node:crypto'
import { createReadStream, lstatSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createDigestCache,
  imageDigest,
  type DigestCache,
  type ManifestEntry,
} from '@sotto/protocol/measurement'
import type { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'

/** What was measured: every file of an image folder, and the digest of the whole. */
export interface MeasuredImage {
  folder: string
  entries: ManifestEntry[]
  /** {@link imageDigest} of the entries. */
  digest: string
}

/** Hundreds of small files are read at once: a stream, or a turn of the thread pool, costs more than their content. */
const SMALL_BYTES = 64 * 1024
const PIECE_BYTES = 1024 * 1024

/**
 * Hashes every byte an image can execute or read: Node itself, the bundles, native addons and
 * their data (T7). Links are refused, because what they point to would not be measured.
 *
 * @param digests what this process has read before: the images share Node, and one is measured twice
 * @throws `IMAGE_UNMEASURABLE` (fix-input) for a missing folder, a link, a special file or one that keeps changing
 */
export async function measureImage(
  folder: string,
  digests: DigestCache = createDigestCache(Date.now),
): Promise<MeasuredImage> {
  const entries: ManifestEntry[] = []
  await collect(folder, '', entries, digests)
  return { folder, entries, digest: imageDigest(entries) }
}

async function collect(
  folder: string,
  prefix: string,
  entries: ManifestEntry[],
  digests: DigestCache,
): Promise<void> {
  const names = await readdir(join(folder, prefix)).catch((cause: unknown) => {
    throw unmeasurable(`cannot read ${join(folder, prefix)}`, cause)
  })
  for (const name of names) {
    const path = prefix ? `${prefix}/${name}` : name
    const file = join(folder, path)
    const stat = lstatSync(file)
    if (stat.isDirectory()) await collect(folder, path, entries, digests)
    else if (stat.isFile())
      entries.push({ path, mode: stat.mode & 0o777, sha256: await digestOf(file, stat.size, digests) })
    else throw unmeasurable(`${path} is neither a file nor a directory`)
  }
}

async function digestOf(file: string, size: number, digests: DigestCache): Promise<string> {
  const digest = await digests.digestOf({
    identify: () => lstatSync(file, { bigint: true }),
    hash: () => sha256File(file, size),
  })
  if (digest === undefined) throw unmeasurable(`${file} keeps changing`)
  return digest
}

async function sha256File(file: string, size: number): Promise<string> {
  if (size <= SMALL_BYTES) return hashOnce('sha256', readFileSync(file), 'hex')
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: PIECE_BYTES }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function unmeasurable(found: string, cause?: unknown): SottoError {
  return cliError('IMAGE_UNMEASURABLE', 'image cannot be measured', {
    found,
    hint: 'run npm run build',
    cause,
  })
}
