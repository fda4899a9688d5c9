import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readTar, type TarLimits } from '@sotto/protocol/tar'

/**
 * Unpacks the archive of an app into an empty folder. Nothing is followed and nothing replaced: a file that is there
 * already is an error.
 * @throws `TAR_LIMIT`, `TAR_MALFORMED`
 */
export function unpack(archive: Uint8Array, folder: string, limits: TarLimits): void {
  for (const { path, mode, bytes } of readTar(archive, limits)) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
    writeFileSync(file, bytes, { mode, flag: 'wx' })
  }
}
