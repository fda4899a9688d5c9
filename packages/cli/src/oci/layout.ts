import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  INDEX,
  isIndexType,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from '@sotto/protocol/oci'
import { cliError } from '../errors.ts'
import { type BlobStore, openBlobs, orDiskError, readBounded, writeWhole } from './blobs.ts'
import { selectPlatform } from './platform.ts'

/** An image in a layout, its manifest and configuration read and checked; layers are checked when they are read. */
export interface OciImage {
  blobs: BlobStore
  /** Of its manifest. */
  descriptor: Descriptor
  manifest: Manifest
  config: ImageConfig
}

const LAYOUT_BYTES = canonicalJson({ imageLayoutVersion: '1.0.0' })

/**
 * Reads an image of a layout's folder: the only one, or that of a digest, which may be that of an index.
 * @throws `IMAGE_INVALID`, `IMAGE_DIGEST`, `IMAGE_UNSUPPORTED`
 */
export async function readLayout(
  folder: string,
  choice: { digest?: Digest; architecture?: string } = {},
): Promise<OciImage> {
  await requireLayout(folder)
  const blobs = openBlobs(folder)
  const entries = parseIndex(await readBounded(join(folder, 'index.json'), MAX_MANIFEST_BYTES))
  const { digest } = choice
  const chosen = digest === undefined ? entries : entries.filter((entry) => entry.digest === digest)
  const [only] = chosen
  if (only === undefined || chosen.length > 1)
    throw cliError('IMAGE_INVALID', 'the layout has not one such image', {
      expected: digest ?? 'one image',
      found: entries.map((entry) => entry.digest).join(', ') || 'none',
      hint: 'name the digest of the one that is meant',
    })
  let descriptor: Descriptor = only
  if (isIndexType(descriptor.mediaType))
    descriptor = selectPlatform(parseIndex(await blobs.read(descriptor)), choice.architecture)
  return readImage(blobs, descriptor)
}

/** Reads manifest and configuration of an image whose blobs are here. @throws as {@link readLayout} */
export async function readImage(blobs: BlobStore, descriptor: Descriptor): Promise<OciImage> {
  if (!isManifestType(descriptor.mediaType))
    throw cliError('IMAGE_UNSUPPORTED', 'there is no image manifest', { found: descriptor.mediaType })
  const manifest = parseManifest(await blobs.read(descriptor))
  const config = parseImageConfig(await blobs.read(manifest.config))
  if (config.diffIds.length !== manifest.layers.length)
    throw cliError('IMAGE_INVALID', 'an image has other layers than its configuration says', {
      expected: `${config.diffIds.length} layers`,
      found: `${manifest.layers.length} layers`,
    })
  if (config.os !== 'linux')
    throw cliError('IMAGE_UNSUPPORTED', 'an image is for another system', {
      expected: 'linux',
      found: config.os,
    })
  return { blobs, descriptor, manifest, config }
}

/** What a layout was before it is written. */
export interface OpenLayout {
  blobs: BlobStore
  /** Makes the image the only one of the layout and removes what no longer belongs to it. */
  commit(descriptor: Descriptor, keep: readonly Digest[]): Promise<void>
  /** Removes what was added. */
  abandon(added: readonly Digest[]): Promise<void>
}

/**
 * Prepares a folder for one image. An image that is there stays readable until the new one is whole.
 * @throws `CLI_FILE` where the folder has something else, or cannot be written
 */
export async function openLayoutForWriting(folder: string): Promise<OpenLayout> {
  const before = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw cliError('CLI_FILE', 'cannot read the folder of the image', { found: folder, cause: error })
  })
  const strangers = (before ?? []).filter(
    (name) => !['blobs', 'index.json', 'oci-layout'].includes(name) && !name.endsWith('.part'),
  )
  if (strangers.length > 0)
    throw cliError('CLI_FILE', 'the folder of the image has other files', {
      expected: 'an empty folder, or a layout that was written before',
      found: strangers.slice(0, 3).join(', '),
      hint: 'choose another folder with --out',
    })
  await orDiskError(mkdir(folder, { recursive: true }))
  const blobs = openBlobs(folder)
  return {
    blobs,
    async commit(descriptor, keep) {
      await writeWhole(join(folder, 'oci-layout'), LAYOUT_BYTES)
      await writeWhole(
        join(folder, 'index.json'),
        canonicalJson({ schemaVersion: 2, mediaType: INDEX, manifests: [descriptor] }),
      )
      await blobs.prune([descriptor.digest, ...keep])
    },
    async abandon(added) {
      for (const digest of added) await blobs.remove(digest)
      if (before === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function requireLayout(folder: string): Promise<void> {
  const text = fromUtf8(await readBounded(join(folder, 'oci-layout'), 4096))
  const version = /^\s*\{\s*"imageLayoutVersion"\s*:\s*"([^"]*)"\s*\}\s*$/.exec(text)?.[1]
  if (version === '1.0.0') return
  throw cliError('IMAGE_INVALID', 'the folder is no OCI image layout of a known version', {
    expected: '1.0.0',
    found: version ?? 'none',
  })
}
