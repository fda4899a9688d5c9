import { fromUtf8 } from '../bytes/index.ts'
import { parseStrictJson } from '../jcs/index.ts'
import { ociError } from './errors.ts'
import {
  CONFIG,
  type Descriptor,
  type Digest,
  DOCKER_CONFIG,
  DOCKER_LAYER,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  type ImageConfig,
  INDEX,
  type IndexEntry,
  LAYER_GZIP,
  LAYER_TAR,
  type Manifest,
  MANIFEST,
  MAX_CONFIG_BYTES,
  MAX_LAYER_BYTES,
  MAX_LAYERS,
  MAX_MANIFEST_BYTES,
  type RunConfig,
} from './types.ts'

type Json = Readonly<Record<string, unknown>>

const DIGEST = /^sha256:[0-9a-f]{64}$/
const MAX_ENTRIES = 1000
const MAX_TEXT = 64 * 1024

/** Kinds of layers that are read, and what they are called in an image that is written. */
const LAYER_TYPES: ReadonlyMap<string, string> = new Map([
  [LAYER_TAR, LAYER_TAR],
  [LAYER_GZIP, LAYER_GZIP],
  [DOCKER_LAYER, LAYER_GZIP],
])

/** Whether a text is a digest. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text)
}

/** Whether a media type is that of an index or manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === INDEX || mediaType === DOCKER_LIST
}

/** Whether a media type is that of an image manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MANIFEST || mediaType === DOCKER_MANIFEST
}

/** Entries of an index or manifest list. Untrusted. @throws `IMAGE_INVALID` */
export function parseIndex(bytes: Uint8Array): IndexEntry[] {
  const index = parseDocument(bytes, MAX_MANIFEST_BYTES, 'index')
  requireVersion(index, isIndexType, 'index')
  return listOf(index['manifests'], MAX_ENTRIES, 'manifests').map((value) => {
    const entry = recordOf(value, 'manifests')
    const descriptor = parseDescriptor(entry, MAX_MANIFEST_BYTES)
    if (entry['platform'] === undefined) return descriptor
    const { architecture, os, variant } = recordOf(entry['platform'], 'platform')
    if (!isText(architecture) || !isText(os) || (variant !== undefined && !isText(variant)))
      throw invalid('an index names no architecture or system')
    return { ...descriptor, platform: { architecture, os, ...(variant !== undefined && { variant }) } }
  })
}

/**
 * An image manifest, with its layers as OCI names their types. Untrusted.
 * @throws `IMAGE_INVALID`; `IMAGE_UNSUPPORTED` for other kinds of layers and for artifacts that are no images
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const manifest = parseDocument(bytes, MAX_MANIFEST_BYTES, 'manifest')
  requireVersion(manifest, isManifestType, 'manifest')
  const config = parseDescriptor(recordOf(manifest['config'], 'config'), MAX_CONFIG_BYTES)
  if (config.mediaType !== CONFIG && config.mediaType !== DOCKER_CONFIG)
    throw ociError('IMAGE_UNSUPPORTED', 'a manifest is that of no image', { found: config.mediaType })
  const layers = listOf(manifest['layers'], MAX_LAYERS, 'layers').map((value) => {
    const layer = parseDescriptor(recordOf(value, 'layers'), MAX_LAYER_BYTES)
    const mediaType = LAYER_TYPES.get(layer.mediaType)
    if (mediaType === undefined)
      throw ociError('IMAGE_UNSUPPORTED', 'an image has a layer of a kind that is not read here', {
        expected: [...LAYER_TYPES.keys()].join(', '),
        found: layer.mediaType,
      })
    return { ...layer, mediaType }
  })
  const annotations = textsOf(manifest['annotations'], 'annotations')
  return {
    mediaType: MANIFEST,
    config: { ...config, mediaType: CONFIG },
    layers,
    ...(annotations && { annotations }),
  }
}

/** An image's configuration; whatever else it says is left out. Untrusted. @throws `IMAGE_INVALID` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const document = parseDocument(bytes, MAX_CONFIG_BYTES, 'configuration')
  const { architecture, os } = document
  if (!isText(architecture) || !isText(os)) throw invalid('a configuration names no architecture or system')
  const rootfs = recordOf(document['rootfs'], 'rootfs')
  const diffIds = listOf(rootfs['diff_ids'], MAX_LAYERS, 'diff_ids')
  if (!diffIds.every(isDigest)) throw invalid('diff_ids has no digests')
  return { architecture, os, config: parseRunConfig(document['config']), diffIds }
}

function parseRunConfig(value: unknown): RunConfig {
  const found = value === undefined || value === null ? {} : recordOf(value, 'config')
  const user = found['User']
  const folder = found['WorkingDir']
  if ((user != null && typeof user !== 'string') || (folder != null && typeof folder !== 'string'))
    throw invalid('User or WorkingDir is no text')
  const config: RunConfig = {}
  if (user) config.User = user
  if (folder) config.WorkingDir = folder
  for (const name of ['Env', 'Entrypoint', 'Cmd'] as const) {
    if (found[name] == null) continue
    const texts = listOf(found[name], MAX_ENTRIES, name)
    if (!texts.every((text) => typeof text === 'string')) throw invalid(`${name} is no list of texts`)
    config[name] = texts
  }
  const labels = textsOf(found['Labels'] ?? undefined, 'Labels')
  if (labels !== undefined) config.Labels = labels
  return config
}

function parseDescriptor(value: Json, maxBytes: number): Descriptor {
  const { mediaType, digest, size } = value
  if (!isText(mediaType)) throw invalid('a descriptor has no media type')
  if (!isDigest(digest)) throw invalid('a descriptor has no SHA-256 digest')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > maxBytes)
    throw invalid(`a descriptor has no size up to ${maxBytes} bytes`)
  return { mediaType, digest, size }
}

function parseDocument(bytes: Uint8Array, maxBytes: number, what: string): Json {
  try {
    return recordOf(parseStrictJson(fromUtf8(bytes), { maxBytes, maxDepth: 32 }), what)
  } catch (cause) {
    throw invalid(`the ${what} is no JSON object`, cause)
  }
}

/** A mediaType that disagrees could be read as another kind of document by others (OCI image-spec, "mediaType"). */
function requireVersion(document: Json, isType: (type: string) => boolean, what: string): void {
  const { schemaVersion, mediaType } = document
  if (schemaVersion !== 2) throw invalid(`the ${what} has another schemaVersion than 2`)
  if (mediaType !== undefined && !(typeof mediaType === 'string' && isType(mediaType)))
    throw invalid(`the ${what} says that it is something else`)
}

function recordOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is no object`)
  return value as Json
}

function listOf(value: unknown, max: number, what: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is no list`)
  if (value.length > max) throw invalid(`${what} has more than ${max} entries`)
  return value
}

function textsOf(value: unknown, what: string): Record<string, string> | undefined {
  if (value === undefined) return undefined
  const entries = Object.entries(recordOf(value, what))
  if (entries.length > MAX_ENTRIES || !entries.every(([, text]) => typeof text === 'string'))
    throw invalid(`${what} are no texts`)
  return Object.fromEntries(entries) as Record<string, string>
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT
}

function invalid(found: string, cause?: unknown): Error {
  return ociError('IMAGE_INVALID', 'an image is not what it must be', { found, cause })
}
