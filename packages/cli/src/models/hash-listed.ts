import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { HubFile } from './hub.ts'

/** What a file is. */
export interface Hashed {
  sha256: string
  /** The same kind of digest as is listed. */
  found: string
  /** Size and digest are those listed. */
  isListed: boolean
}

/** Digests of a file, for comparison with what is listed of it; undefined when it is not there. */
export async function hashListed(
  path: string,
  { size, digest }: Pick<HubFile, 'size' | 'digest'>,
  signal: AbortSignal,
): Promise<Hashed | undefined> {
  const there = await stat(path).catch(() => undefined)
  if (there === undefined) return undefined
  const sha256 = createHash('sha256')
  // The id git gives a blob. SHA-1 is no proof of authenticity; it notices bytes that changed by accident.
  const git = createHash('sha1').update(`blob ${there.size}\0`)
  for await (const chunk of createReadStream(path, {
    signal,
    highWaterMark: 1 << 20,
  }) as AsyncIterable<Buffer>) {
    sha256.update(chunk)
    if (digest.kind === 'git') git.update(chunk)
  }
  const hex = sha256.digest('hex')
  const found = digest.kind === 'git' ? git.digest('hex') : hex
  return { sha256: hex, found, isListed: there.size === size && found === digest.hex }
}

/** SHA-256 of a file when it is the one listed; undefined when it differs or is not there. */
export async function sha256IfListed(
  path: string,
  file: Pick<HubFile, 'size' | 'digest'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const there = await stat(path).catch(() => undefined)
  // Other sizes are not worth reading.
  if (there?.size !== file.size) return undefined
  const hashed = await hashListed(path, file, signal)
  return hashed?.isListed ? hashed.sha256 : undefined
}
