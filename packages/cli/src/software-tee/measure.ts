import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { imageDigest, type ManifestEntry } from '@sotto/protocol/measurement'
import type { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'

/** What was measured: every file of an image folder, and the digest of the whole. */
export interface MeasuredImage {
  folder: string
  entries: ManifestEntry[]
  /** {@link imageDigest} of the entries. */
  digest: string
}

/**
 * Hashes every byte an image can execute or read: Node itself, the bundles, native addons and
 * their data (T7). Links are refused, because what they point to would not be measured.
 *
 * @throws `IMAGE_UNMEASURABLE` (fix-input) for a missing folder, a link or a special file
 */
export async function measureImage(folder: string): Promise<MeasuredImage> {
  const entries: ManifestEntry[] = []
  await collect(folder, '', entries)
  return { folder, entries, digest: imageDigest(entries) }
}

async function collect(folder: string, prefix: string, entries: ManifestEntry[]): Promise<void> {
  const names = await readdir(join(folder, prefix)).catch((cause: unknown) => {
    throw unmeasurable(`cannot read ${join(folder, prefix)}`, cause)
  })
  for (const name of names) {
    const path = prefix ? `${prefix}/${name}` : name
    const file = join(folder, path)
    const stat = await lstat(file)
    if (stat.isDirectory()) await collect(folder, path, entries)
    else if (stat.isFile()) entries.push({ path, mode: stat.mode & 0o777, sha256: await sha256File(file) })
    else throw unmeasurable(`${path} is neither a file nor a directory`)
  }
}

/** SHA-256 of a file, hexadecimal, read once as a stream. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
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
