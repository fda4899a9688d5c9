/**
 * A tar archive (POSIX.1-1988 ustar) of an image that depends on nothing but the manifest: files in its order,
 * its modes, no owner, no time. Unpacked, it is measured as the same image.
 */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ManifestEntry } from '@sotto/protocol/measurement'
import { encodeTarHeader, TAR_END, tarPadding } from '@sotto/protocol/tar'
import { ReleaseFailure } from './failure.ts'

/**
 * @param files entries in the order they are to stand, with their size in bytes
 * @throws ReleaseFailure when a file is not what its entry says any more
 */
export async function writeTar(
  folder: string,
  files: readonly (ManifestEntry & { size: number })[],
  target: string,
): Promise<void> {
  const fd = openSync(target, 'w', 0o644)
  try {
    for (const file of files) {
      writeAll(fd, encodeTarHeader(file))
      const hash = createHash('sha256')
      let written = 0
      for await (const chunk of createReadStream(join(folder, file.path), { highWaterMark: 1 << 20 })) {
        writeAll(fd, chunk as Buffer)
        hash.update(chunk as Buffer)
        written += (chunk as Buffer).length
      }
      // What is measured, signed and logged is the manifest: the archive must hold the very bytes it names.
      if (written !== file.size || hash.digest('hex') !== file.sha256)
        throw new ReleaseFailure(
          `${file.path} was changed between measuring and packing`,
          'build again, into a folder that nobody else writes to',
        )
      writeAll(fd, tarPadding(written))
    }
    writeAll(fd, TAR_END)
  } finally {
    closeSync(fd)
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}
