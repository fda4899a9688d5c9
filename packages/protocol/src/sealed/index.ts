export {
  openArtifact,
  openHeader,
  sealArtifact,
  type OpenedArtifact,
  type RangeReader,
  type SealOptions,
} from './artifact.ts'
export { chunkCount, chunkRange, sealedBytes } from './chunks.ts'
export {
  FIXED_HEADER_BYTES,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
  parseHeader,
  type SealedErrorCode,
  type SealedHeader,
} from './header.ts'
export { createSealer, type Sealer, type SealerOptions } from './sealer.ts'
