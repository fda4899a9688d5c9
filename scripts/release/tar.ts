/**
 * A tar archive (POSIX.1-1988 ustar) of an image that depends on nothing but the manifest: files in its order,
 * its modes, no owner, no time. Unpacked, it is measured as the same image.
 */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ManifestEntry } from '@sotto/protocol/measurement'
import { ReleaseFailure } from './failure.ts'

const BLOCK = 512
/** 8 GiB: what eleven octal digits hold. */
const MAX_SIZE = 8 ** 11 - 1

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
      writeAll(fd, tarHeader(file))
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
      writeAll(fd, Buffer.alloc((BLOCK - (written % BLOCK)) % BLOCK))
    }
    // Two empty blocks end an archive.
    writeAll(fd, Buffer.alloc(2 * BLOCK))
  } finally {
    closeSync(fd)
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}

/** One header. @throws Error for a path or size the format cannot hold */
export function tarHeader({ path, mode, size }: { path: string; mode: number; size: number }): Buffer {
  const { prefix, name } = splitPath(path)
  if (size > MAX_SIZE) throw new Error(`${path} is too large for an archive`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  header.write(name, 0, 'latin1')
  header.write(octal(mode, 7), 100, 'latin1')
  header.write(octal(0, 7), 108, 'latin1')
  header.write(octal(0, 7), 116, 'latin1')
  header.write(octal(size, 11), 124, 'latin1')
  header.write(octal(0, 11), 136, 'latin1')
  header.write('        0', 148, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(prefix, 345, 'latin1')
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** A long path is split at a separator: 100 bytes of name, 155 of prefix. Paths of manifests are ASCII. */
function splitPath(path: string): { prefix: string; name: string } {
  if (path.length <= 100) return { prefix: '', name: path }
  const at = path.indexOf('/', path.length - 101)
  if (at < 1 || at > 155 || at === path.length - 1) throw new Error(`${path} is too long for an archive`)
  return { prefix: path.slice(0, at), name: path.slice(at + 1) }
}
