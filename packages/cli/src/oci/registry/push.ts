import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Descriptor, Digest } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import type { OciImage } from '../layout.ts'
import { openRegistry, type Registry, type RegistryOptions } from './client.ts'

/** An image to push. */
export interface PushImageOptions extends Omit<RegistryOptions, 'actions'> {
  image: OciImage
  /** A name for the image beside its digest. */
  tag?: string | undefined
  /** Bytes of blobs that are there now. */
  onBytes?(bytes: number): void
}

/**
 * Uploads what a registry does not have yet: blobs, each in one piece, and the manifest last, so that an image is there whole
 * or not at all. Running it again goes on with the blobs that are missing.
 *
 * @returns the digest of the manifest, by which the image is named
 * @throws `REGISTRY_FAILED`, `CLI_AUTH`, `IMAGE_DIGEST` where the registry says that it has other bytes
 */
export async function pushImage(options: PushImageOptions): Promise<Digest> {
  const { image, tag, onBytes = () => {} } = options
  const registry = openRegistry({ ...options, actions: 'pull,push' })
  for (const blob of [image.manifest.config, ...image.manifest.layers]) {
    if (!(await hasBlob(registry, blob))) await uploadBlob(registry, image, blob)
    onBytes(blob.size)
  }
  const bytes = await image.blobs.read(image.descriptor)
  for (const name of [image.descriptor.digest, ...(tag === undefined ? [] : [tag])]) {
    const response = await registry.request(`manifests/${name}`, {
      method: 'PUT',
      headers: { 'content-type': image.descriptor.mediaType },
      body: () => Buffer.from(bytes),
      accept: [201],
    })
    await response.body?.cancel()
    requireDigest(response, image.descriptor.digest, registry)
  }
  return image.descriptor.digest
}

async function hasBlob(registry: Registry, { digest, size }: Descriptor): Promise<boolean> {
  const response = await registry.request(`blobs/${digest}`, { method: 'HEAD', accept: [200, 404] })
  await response.body?.cancel()
  const length = response.headers.get('content-length')
  return response.status === 200 && (length === null || Number(length) === size)
}

async function uploadBlob(registry: Registry, image: OciImage, blob: Descriptor): Promise<void> {
  // Read once before: what is damaged here is not sent anywhere.
  for await (const _ of image.blobs.stream(blob));
  const begun = await registry.request('blobs/uploads/', { method: 'POST', body: () => '', accept: [202] })
  await begun.body?.cancel()
  const target = registry.locate(begun.headers.get('location'))
  target.searchParams.set('digest', blob.digest)
  const response = await registry.request(target, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: () => Readable.toWeb(createReadStream(image.blobs.path(blob.digest))) as ReadableStream,
    accept: [201],
  })
  await response.body?.cancel()
  requireDigest(response, blob.digest, registry)
}

function requireDigest(response: Response, expected: Digest, registry: Registry): void {
  const found = response.headers.get('docker-content-digest')
  if (found === null || found === expected) return
  throw cliError('IMAGE_DIGEST', `${registry.host} has other bytes than were sent`, {
    expected,
    found: found.slice(0, 100),
  })
}
