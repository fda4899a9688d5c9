import { createHash } from 'node:crypto'
import {
  type Descriptor,
  type Digest,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  INDEX,
  isDigest,
  isIndexType,
  isManifestType,
  MANIFEST,
  MAX_MANIFEST_BYTES,
  parseIndex,
} from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import { selectPlatform } from '../platform.ts'
import { readBounded, type Registry } from './client.ts'

const ACCEPT = [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(', ')

/** A manifest as a registry gave it, with a digest that was checked. */
export interface FetchedManifest {
  descriptor: Descriptor
  bytes: Uint8Array
}

/**
 * The image manifest of a digest; where that is the digest of an index, the manifest for the architecture in it.
 * @throws `IMAGE_DIGEST`, `IMAGE_INVALID`, `IMAGE_UNSUPPORTED`, and as the registry
 */
export async function fetchManifest(
  registry: Registry,
  digest: Digest,
  architecture: string,
): Promise<FetchedManifest> {
  const first = await fetchByDigest(registry, digest)
  if (!isIndexType(first.descriptor.mediaType)) return first
  const chosen = selectPlatform(parseIndex(first.bytes), architecture)
  const second = await fetchByDigest(registry, chosen.digest)
  if (second.descriptor.size !== chosen.size || !isManifestType(second.descriptor.mediaType))
    throw cliError('IMAGE_INVALID', 'an index describes another manifest than there is', {
      expected: `${chosen.mediaType}, ${chosen.size} bytes`,
      found: `${second.descriptor.mediaType}, ${second.descriptor.size} bytes`,
    })
  return second
}

/** The digest that a tag has at the moment, for people to pin: nothing is proven about it. */
export async function resolveTag(registry: Registry, tag: string): Promise<Digest | undefined> {
  const response = await registry.request(`manifests/${tag}`, { headers: { accept: ACCEPT }, accept: [200] })
  const bytes = await readBounded(response, MAX_MANIFEST_BYTES, registry.host)
  const digest: unknown = sha256(bytes)
  return isDigest(digest) ? digest : undefined
}

async function fetchByDigest(registry: Registry, digest: Digest): Promise<FetchedManifest> {
  const response = await registry.request(`manifests/${digest}`, {
    headers: { accept: ACCEPT },
    accept: [200],
  })
  const bytes = await readBounded(response, MAX_MANIFEST_BYTES, registry.host)
  const found = sha256(bytes)
  if (found !== digest)
    throw cliError('IMAGE_DIGEST', `${registry.host} gave another manifest than was asked for`, {
      expected: digest,
      found,
    })
  const mediaType = mediaTypeOf(bytes, response.headers.get('content-type'))
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

/** What the document says it is, else what the registry says; one that could be read as both is nothing. */
function mediaTypeOf(bytes: Uint8Array, header: string | null): string {
  let document: { mediaType?: unknown; manifests?: unknown; layers?: unknown; config?: unknown }
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof document
  } catch (cause) {
    throw cliError('IMAGE_INVALID', 'a manifest is no JSON', { cause })
  }
  const isIndex = document?.manifests !== undefined
  const isManifest = document?.layers !== undefined || document?.config !== undefined
  const said = typeof document?.mediaType === 'string' ? document.mediaType : header?.split(';')[0]?.trim()
  const mediaType = said ?? (isIndex ? INDEX : MANIFEST)
  if (isIndex !== isManifest && (isIndex ? isIndexType(mediaType) : isManifestType(mediaType)))
    return mediaType
  throw cliError('IMAGE_INVALID', 'a manifest is not what it says that it is', { found: mediaType })
}

function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
