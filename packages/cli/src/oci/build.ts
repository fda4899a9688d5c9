import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  type Architecture,
  CONFIG,
  type Descriptor,
  type Digest,
  LAYER_GZIP,
  MANIFEST,
  MAX_LAYERS,
  type RunConfig,
} from '@sotto/protocol/oci'
import { cliError } from '../errors.ts'
import type { BlobStore } from './blobs.ts'
import { type LayerPart, writeLayerTar } from './layer-source.ts'
import { type OciImage, openLayoutForWriting, readImage } from './layout.ts'

/** An image to build. */
export interface BuildImageOptions {
  /** Folder of its layout; absent, empty, or written before. */
  out: string
  /** Its layers come first. Absent: the image has only ours. */
  base?: OciImage
  architecture: Architecture
  /** One layer each. */
  layers: readonly (readonly LayerPart[])[]
  /** What a container runs. Variables of the base stay where they have no other value here; the rest of it is dropped. */
  config: RunConfig
  /** Of the manifest. */
  annotations?: Readonly<Record<string, string>>
  /** Seconds since the Unix epoch (SOURCE_DATE_EPOCH). Absent: the image names no time. */
  created?: number
}

/** Fixed: other levels give other bytes of the same layer. */
const GZIP_LEVEL = 6

/**
 * Builds an image into a layout (OCI image-spec 1.1) without a daemon. The same files, base and options give the same
 * bytes, whatever the times, modes beyond the executable bit, order and owner of the files, and whoever builds; the
 * compressed bytes also depend on the zlib of Node, the digests of layers in clear do not. An image that is there
 * already is made again and stays as it is; a failure leaves what was there before.
 *
 * @throws `IMAGE_UNMEASURABLE`, `IMAGE_INVALID`, `IMAGE_DIGEST`, `IMAGE_UNSUPPORTED`, `CLI_FILE`
 */
export async function buildImage(options: BuildImageOptions): Promise<OciImage> {
  const { base, architecture } = options
  if (base !== undefined && base.config.architecture !== architecture)
    throw cliError('IMAGE_UNSUPPORTED', 'the base image is for another architecture', {
      expected: architecture,
      found: base.config.architecture,
    })
  const layout = await openLayoutForWriting(options.out)
  const added: Digest[] = []
  const remember = (digest: Digest, isNew: boolean): void => void (isNew && added.push(digest))
  try {
    const layers: Descriptor[] = []
    const diffIds: Digest[] = [...(base?.config.diffIds ?? [])]
    for (const layer of base?.manifest.layers ?? []) {
      const { mediaType, digest, size } = layer
      const { isNew } = await layout.blobs.take(layer, base!.blobs)
      remember(digest, isNew)
      layers.push({ mediaType, digest, size })
    }
    for (const parts of options.layers) {
      const { descriptor, diffId, isNew } = await putLayer(layout.blobs, parts)
      remember(descriptor.digest, isNew)
      layers.push(descriptor)
      diffIds.push(diffId)
    }
    if (layers.length > MAX_LAYERS)
      throw cliError('IMAGE_UNSUPPORTED', 'the image has too many layers', {
        expected: `${MAX_LAYERS} at most`,
        found: String(layers.length),
      })
    const put = async (mediaType: string, value: unknown): Promise<Descriptor> => {
      const { digest, size, isNew } = await layout.blobs.put(Readable.from([canonicalJson(value)]))
      remember(digest, isNew)
      return { mediaType, digest, size }
    }
    const config = await put(CONFIG, encodeConfig(options, diffIds))
    const manifest = await put(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers,
      annotations: options.annotations,
    })
    const image = await readImage(layout.blobs, manifest)
    await layout.commit(manifest, [config.digest, ...layers.map(({ digest }) => digest)])
    return image
  } catch (error) {
    await layout.abandon(added)
    throw error
  }
}

async function putLayer(
  blobs: BlobStore,
  parts: readonly LayerPart[],
): Promise<{ descriptor: Descriptor; diffId: Digest; isNew: boolean }> {
  const inClear = createHash('sha256')
  async function* tar(): AsyncGenerator<Uint8Array> {
    for await (const piece of writeLayerTar(parts)) {
      inClear.update(piece)
      yield piece
    }
  }
  // Both end with whichever fails; who reads the end of it hears of it.
  const gzip = pipeline(Readable.from(tar()), createGzip({ level: GZIP_LEVEL }), () => {})
  const { digest, size, isNew } = await blobs.put(gzip)
  const diffId: Digest = `sha256:${inClear.digest('hex')}`
  return { descriptor: { mediaType: LAYER_GZIP, digest, size }, diffId, isNew }
}

function encodeConfig(
  { base, architecture, config, created }: BuildImageOptions,
  diffIds: readonly Digest[],
): unknown {
  const env = mergeEnv(base?.config.config.Env ?? [], config.Env ?? [])
  return {
    architecture,
    os: 'linux',
    created: created === undefined ? undefined : new Date(created * 1000).toISOString(),
    config: { ...config, Env: env.length > 0 ? env : undefined },
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
}

function mergeEnv(base: readonly string[], own: readonly string[]): string[] {
  const nameOf = (entry: string): string => entry.slice(0, Math.max(0, entry.indexOf('=')))
  const named = new Set(own.map(nameOf))
  return [...base.filter((entry) => !named.has(nameOf(entry))), ...own]
}

/** `e_machine` of an ELF header by the name that OCI has for it. */
const MACHINES: Readonly<Record<number, Architecture>> = { 62: 'amd64', 183: 'arm64' }

/** The architecture that a program is for: that of Node, which every image brings. @throws `IMAGE_UNSUPPORTED` */
export async function architectureOf(program: string): Promise<Architecture> {
  const header = Buffer.alloc(20)
  const file = await open(program).catch((cause: unknown) => {
    throw cliError('IMAGE_UNMEASURABLE', 'the program of an image cannot be read', { found: program, cause })
  })
  try {
    await file.read(header, 0, header.length, 0)
  } finally {
    await file.close()
  }
  const isElf = header.readUInt32BE(0) === 0x7f454c46 && header[5] === 1
  const machine = isElf ? MACHINES[header.readUInt16LE(18)] : undefined
  if (machine !== undefined) return machine
  throw cliError('IMAGE_UNSUPPORTED', 'the program of an image is for no machine that images are built for', {
    expected: 'an ELF file for amd64 or arm64',
    found: isElf ? `machine ${header.readUInt16LE(18)}` : program,
  })
}
