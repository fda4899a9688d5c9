import { fstatSync } from 'node:fs'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { parseStrictJson } from '@sotto/protocol/jcs'
import {
  type Descriptor,
  type ImageConfig,
  isIndexType,
  LAYER_GZIP,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from '@sotto/protocol/oci'
import { containerError, layoutError } from './errors.ts'
import { type FileRange, findLayoutFiles, type LayoutFiles } from './layout-files.ts'
import { readBytes } from '../inputs/read-range.ts'

/** A layer as it lies in the tar of its layout, its stored bytes compared with the manifest. */
export interface LayerRange extends FileRange {
  readonly isGzip: boolean
  /** SHA-256 of its tar in clear, hexadecimal: compared when it is unpacked. */
  readonly diffId: string
}

/** The image of a contract in the tar of a layout: everything down to the stored bytes of its layers was compared. */
export interface LayoutImage {
  /** Lowest first. */
  readonly layers: readonly LayerRange[]
  /** Absolute. */
  readonly workingDirectory: string
}

/** Architectures as OCI names them, by what Node calls them. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  x64: 'amd64',
  arm64: 'arm64',
}
const MAX_VERSION_BYTES = 4096
const MAX_PATH_LENGTH = 4096

/** What {@link readLayout} is given. */
export interface ReadLayoutOptions {
  /** Of the manifest that the contract names: 64 hexadecimal characters. */
  readonly manifest: string
  readonly signal?: AbortSignal | undefined
  /** Default: this machine's, as Node names it. */
  readonly architecture?: string
}

/**
 * Reads the layout of an image, from the manifest that the contract names down to its layers. All that is parsed but the
 * layout's own two files is what that digest, and so every party, stands for.
 *
 * @param fd of a tar that nobody changes; its owner chose every byte
 * @throws `ROOM_CONTAINER_LAYOUT`, `ROOM_CONTAINER_DIGEST`; the reason of `signal`
 */
export async function readLayout(fd: number, options: ReadLayoutOptions): Promise<LayoutImage> {
  const { manifest: expected, signal, architecture = process.arch } = options
  return orLayoutError(async () => {
    const files = await findLayoutFiles(fd, fstatSync(fd).size, signal)
    await requireVersion(fd, files.version)
    const digest = `sha256:${expected}`
    const range = files.blobs.get(digest)
    if (range === undefined || !(await isListed(fd, files, digest)))
      throw containerError('ROOM_CONTAINER_DIGEST', {
        expected: digest,
        found: 'a layout that does not name it',
      })
    const manifest = parseManifest(await readSmall(fd, range))
    const config = parseImageConfig(await readSmall(fd, blobOf(files, manifest.config)))
    requirePlatform(config, architecture)
    return { layers: layersOf(files, manifest, config), workingDirectory: workingDirectoryOf(config) }
  })
}

/** Of what the formats' own readers say only their fixed words: what they found is the image's. */
async function orLayoutError<T>(reading: () => Promise<T>): Promise<T> {
  try {
    return await reading()
  } catch (error) {
    if (!(error instanceof SottoError) || error.code.startsWith('ROOM_CONTAINER_')) throw error
    if (/zstd/.test(error.found ?? '')) throw layoutError('a layer that is compressed with zstd')
    // Of documents, unlike of tars, both are fixed words.
    const isDocument = error.message === 'an image is not what it must be'
    throw layoutError((isDocument ? error.found : undefined) ?? error.message)
  }
}

async function requireVersion(fd: number, range: FileRange): Promise<void> {
  if (range.size > MAX_VERSION_BYTES) throw layoutError('an oci-layout that is too large')
  const value = parseVersion(await readBytes(fd, range.offset, range.size))
  const { imageLayoutVersion, ...rest } = (value ?? {}) as Record<string, unknown>
  if (imageLayoutVersion !== '1.0.0' || Object.keys(rest).length > 0)
    throw layoutError('a layout of another version than 1.0.0')
}

function parseVersion(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(fromUtf8(bytes))
  } catch {
    // No cause: the words of a parser quote what it read.
    throw layoutError('an oci-layout that is no JSON')
  }
}

/** Whether the index of a layout names an image, or an index in it does, as builders for several platforms write it. */
async function isListed(fd: number, files: LayoutFiles, digest: string): Promise<boolean> {
  const entries = parseIndex(await readSmall(fd, files.index))
  if (entries.some((entry) => entry.digest === digest)) return true
  for (const entry of entries) {
    const range = files.blobs.get(entry.digest)
    if (!isIndexType(entry.mediaType) || range === undefined) continue
    if (parseIndex(await readSmall(fd, range)).some((one) => one.digest === digest)) return true
  }
  return false
}

function requirePlatform({ os, architecture }: ImageConfig, machine: string): void {
  if (os !== 'linux') throw layoutError('an image for another system than Linux')
  if (architecture !== ARCHITECTURES[machine])
    throw layoutError('an image for another architecture than the room has')
}

function layersOf(files: LayoutFiles, { layers }: Manifest, { diffIds }: ImageConfig): LayerRange[] {
  if (layers.length !== diffIds.length)
    throw layoutError('another number of layers than the configuration says')
  return layers.map((layer, index) => ({
    ...blobOf(files, layer),
    isGzip: layer.mediaType === LAYER_GZIP,
    diffId: diffIds[index]!.slice('sha256:'.length),
  }))
}

function workingDirectoryOf({ config }: ImageConfig): string {
  const { WorkingDir: path = '/' } = config
  const isClean = path.split('/').every((step) => step !== '..' && step !== '.')
  if (!path.startsWith('/') || path.length > MAX_PATH_LENGTH || path.includes('\0') || !isClean)
    throw layoutError('a working directory that is no absolute path')
  return path
}

function blobOf({ blobs }: LayoutFiles, { digest, size }: Descriptor): FileRange {
  const range = blobs.get(digest)
  if (range === undefined) throw layoutError('a blob of the image is missing')
  if (range.size !== size) throw layoutError('a blob has another size than its descriptor says')
  return range
}

async function readSmall(fd: number, { offset, size }: FileRange): Promise<Uint8Array> {
  if (size > MAX_MANIFEST_BYTES) throw layoutError('a document of the image is too large')
  return readBytes(fd, offset, size)
}
