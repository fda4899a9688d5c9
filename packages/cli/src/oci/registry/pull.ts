import { mkdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { SottoError } from '@sotto/protocol/errors'
import { type Architecture, type Descriptor, parseManifest } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import { fetchFile } from '../../models/fetch-file.ts'
import type { Hub } from '../../models/hub.ts'
import { type BlobStore, openBlobs, orDiskError } from '../blobs.ts'
import { type OciImage, readImage } from '../layout.ts'
import { openRegistry, type Registry, type RegistryOptions } from './client.ts'
import { fetchManifest, resolveTag } from './manifests.ts'
import { formatReference, type ImageReference } from './reference.ts'

/** An image to pull. */
export interface PullImageOptions extends Omit<RegistryOptions, 'reference' | 'actions'> {
  reference: ImageReference
  architecture: Architecture
  /** Folder of blobs, kept between pulls: what is there is not fetched again. */
  folder: string
  /** Bytes that are here now, those of earlier attempts included; negative when they were worthless. */
  onBytes?(bytes: number): void
  /** Milliseconds without a byte after which a connection counts as cut. Default 60,000. */
  stallMs?: number
  /** Milliseconds between attempts, times the number of the attempt. Default 500. */
  pauseMs?: number
}

/**
 * Pulls an image by its digest; where that is the digest of an index, the image for the architecture. A pull that was cut goes
 * on where it stopped. Nothing is given its name before its digest was checked.
 *
 * @throws `IMAGE_REFERENCE` for a tag, with the digest it has at the moment as hint; `IMAGE_DIGEST`, `IMAGE_INVALID`,
 *   `IMAGE_UNSUPPORTED`, `REGISTRY_FAILED`, `CLI_AUTH`, `CLI_FILE`
 */
export async function pullImage(options: PullImageOptions): Promise<OciImage> {
  const { reference, folder, architecture } = options
  const registry = openRegistry(options)
  if (reference.digest === undefined) throw await unpinned(registry, reference)
  const { descriptor, bytes } = await fetchManifest(registry, reference.digest, architecture)
  const manifest = parseManifest(bytes)
  const blobs = openBlobs(folder)
  await orDiskError(mkdir(blobs.folder, { recursive: true }))
  for (const blob of [manifest.config, ...manifest.layers]) await fetchBlob(registry, blobs, blob, options)
  await blobs.put(Readable.from([bytes]))
  return readImage(blobs, descriptor)
}

async function fetchBlob(
  registry: Registry,
  blobs: BlobStore,
  { digest, size }: Descriptor,
  { signal, onBytes = () => {}, stallMs, pauseMs }: PullImageOptions,
): Promise<void> {
  const hex = digest.slice('sha256:'.length)
  // The fetcher of models: it goes on by ranges, takes no more than the size, and compares the digest of the whole.
  const hub: Hub = {
    origin: registry.host,
    list: async () => [],
    open: (_, start, signal, etag) =>
      registry.request(`blobs/${digest}`, {
        signal,
        headers:
          start === 0 ? {} : { range: `bytes=${start}-`, ...(etag !== undefined && { 'if-range': etag }) },
        accept: start === 0 ? [200] : [200, 206, 416],
      }),
  }
  try {
    await fetchFile(
      { path: `blob ${digest}`, name: hex, size, digest: { kind: 'sha256', hex }, role: 'config' },
      {
        hub,
        folder: blobs.folder,
        signal,
        onBytes,
        ...(stallMs !== undefined && { stallMs }),
        ...(pauseMs !== undefined && { pauseMs }),
      },
    )
  } catch (error) {
    throw translate(error, registry.host)
  }
}

/** The same failure in the words of images. */
function translate(error: unknown, host: string): unknown {
  if (!(error instanceof SottoError)) return error
  const { expected, found } = error
  const told = { ...(expected && { expected }), ...(found && { found }), cause: error }
  if (error.code === 'CLI_MODEL_DIGEST')
    return cliError('IMAGE_DIGEST', `${host} gave another blob than was asked for; it was removed`, told)
  if (error.code === 'CLI_HUB')
    return cliError('REGISTRY_FAILED', `the connection to ${host} was cut`, {
      ...told,
      hint: 'run the command again: it goes on where it stopped',
    })
  return error
}

async function unpinned(registry: Registry, reference: ImageReference): Promise<Error> {
  const tag = reference.tag ?? 'latest'
  const digest = await resolveTag(registry, tag)
  return cliError(
    'IMAGE_REFERENCE',
    'an image is named by its digest here: a tag is what its registry says today',
    {
      expected: 'HOST/REPOSITORY@sha256:DIGEST',
      found: `tag ${tag}`,
      ...(digest && { hint: `at this moment it is ${formatReference(reference, digest)}` }),
    },
  )
}
