export type { OciErrorCode } from './errors.ts'
export {
  isDigest,
  isIndexType,
  isManifestType,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from './parse.ts'
export {
  readTarStream,
  shownPath,
  type TarEntry,
  type TarEntryType,
  type TarLimits,
  type TarTime,
} from './tar/index.ts'
export {
  type Architecture,
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
