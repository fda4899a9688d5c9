/** `sha256:` and 64 hexadecimal characters: the only kind of digest that is written or read here. */
export type Digest = `sha256:${string}`

/** What points at a blob (OCI image-spec 1.1, "Content Descriptors"). */
export interface Descriptor {
  mediaType: string
  digest: Digest
  /** Bytes. */
  size: number
  annotations?: Readonly<Record<string, string>>
}

/** A descriptor in an index, which may say for whom it is. */
export interface IndexEntry extends Descriptor {
  platform?: { architecture: string; os: string; variant?: string }
}

/** An image manifest. */
export interface Manifest {
  mediaType: string
  config: Descriptor
  layers: readonly Descriptor[]
  annotations?: Readonly<Record<string, string>>
}

/** What a container of the image runs, of `config` in an image's configuration. */
export interface RunConfig {
  /** `uid:gid`, or a name in the image. Absent: root. */
  User?: string
  /** `NAME=value`. */
  Env?: readonly string[]
  Entrypoint?: readonly string[]
  Cmd?: readonly string[]
  /** Keys like `8080/tcp`. */
  ExposedPorts?: Readonly<Record<string, Record<string, never>>>
  Labels?: Readonly<Record<string, string>>
  WorkingDir?: string
}

/** Architectures that images are built for, as OCI names them. */
export type Architecture = 'amd64' | 'arm64'

/** An image's configuration. */
export interface ImageConfig {
  architecture: string
  os: string
  /** RFC 3339. */
  created?: string
  config: RunConfig
  /** SHA-256 of each layer's tar, in clear. */
  diffIds: readonly Digest[]
}

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX = 'application/vnd.oci.image.index.v1+json'
export const CONFIG = 'application/vnd.oci.image.config.v1+json'
export const LAYER_TAR = 'application/vnd.oci.image.layer.v1.tar'
export const LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'
/** What registries that are older than the OCI call the same (Docker image manifest version 2, schema 2). */
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

/** Of a manifest or index; the specification asks registries for no more. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Of a configuration. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024
/** Of one layer as it is stored. */
export const MAX_LAYER_BYTES = 8 * 2 ** 30
/** Overlay file systems take no more. */
export const MAX_LAYERS = 127
