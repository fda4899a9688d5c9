/** One measured image in a folder: built, listed, packed. */
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { encodeManifest, imageDigest, type ManifestEntry } from '@sotto/protocol/measurement'
import { buildImage, IMAGES, listImage } from '../build.ts'
import type { RoleName } from './options.ts'
import { writeTar } from './tar.ts'

/** A built image and what measures it. */
export interface BuiltImage {
  role: RoleName
  /** `OUT/<role>/image`. */
  folder: string
  entries: readonly ManifestEntry[]
  /** SHA-256 of the manifest. */
  digest: string
  metafile: Metafile
}

/**
 * Builds a role into `OUT/<role>/image` and writes the manifest beside it. Bytes, names and modes are decided by
 * sources, lock file, Node and processor alone.
 */
export async function makeImage(
  out: string,
  role: RoleName,
  flavour: 'release' | 'software',
): Promise<BuiltImage> {
  const recipe = IMAGES.find((one) => one.image === role && one.flavour === flavour)!
  const place = join(out, role)
  rmSync(place, { recursive: true, force: true })
  const folder = join(place, 'image')
  mkdirSync(folder, { recursive: true })
  const metafile = await buildImage(recipe, folder)
  const entries = listImage(folder)
  writeFileSync(join(place, 'manifest'), encodeManifest(entries), { mode: 0o644 })
  const digest = imageDigest(entries)
  writeFileSync(join(place, 'measurement'), `${digest}\n`, { mode: 0o644 })
  return { role, folder, entries, digest, metafile }
}

/** Packs an image; the folder is no longer needed then. @returns SHA-256 of the archive */
export async function packImage(image: BuiltImage): Promise<string> {
  const files = image.entries.map((entry) => ({
    ...entry,
    size: statSync(join(image.folder, entry.path)).size,
  }))
  const tar = join(image.folder, '..', 'image.tar')
  await writeTar(image.folder, files, tar)
  rmSync(image.folder, { recursive: true })
  return sha256File(tar)
}

/** SHA-256 of a file of any size, hexadecimal. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
