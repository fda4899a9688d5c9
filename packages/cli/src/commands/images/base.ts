import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CommandContext } from '../../framework/index.ts'
import {
  type Architecture,
  type OciImage,
  parseReference,
  pullImage,
  readDockerCredentials,
  readLayout,
} from '../../oci/index.ts'
import { createProgress } from '../../terminal/index.ts'

/** The image that another is built on: a folder with a layout, else a reference with a digest, which is pulled. */
export async function openBase(
  { io, global, signal }: CommandContext,
  base: string,
  architecture: Architecture,
): Promise<OciImage> {
  const folder = resolve(io.cwd, base)
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === true)
    return readLayout(folder, { architecture })
  const reference = parseReference(base)
  const bar = createProgress({ sink: io.stderr, label: 'base image', quiet: global.quiet, now: io.now })
  try {
    return await pullImage({
      reference,
      architecture,
      folder: cacheFolder(io),
      fetch: io.fetch,
      signal,
      credentials: await readDockerCredentials(reference.registry, io.env),
      onBytes: (bytes) => bar.advance(bytes),
    })
  } finally {
    bar.end()
  }
}

/** `$XDG_CACHE_HOME/sotto/images`, else `~/.cache/sotto/images`: blobs that were pulled, by digest. */
function cacheFolder({ env, cwd }: CommandContext['io']): string {
  return resolve(cwd, env['XDG_CACHE_HOME'] || join(env['HOME'] ?? cwd, '.cache'), 'sotto', 'images')
}
