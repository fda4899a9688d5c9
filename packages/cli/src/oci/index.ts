export { architectureOf, buildImage, type BuildImageOptions } from './build.ts'
export { type BlobStore, openBlobs } from './blobs.ts'
export { layerDigest, type LayerPart } from './layer-source.ts'
export { type OciImage, readLayout } from './layout.ts'
export { APP_IN_CONTAINER, IMAGE_NAMES, type ImageName, type ImageRecipe, imageRecipe } from './recipes.ts'
export { hashLayers, readLayer } from './read-layer.ts'
export {
  formatReference,
  type ImageReference,
  parseReference,
  pullImage,
  type PullImageOptions,
  pushImage,
  type PushImageOptions,
  readDockerCredentials,
  type RegistryCredentials,
} from './registry/index.ts'
export type { Architecture, Descriptor, Digest, ImageConfig, Manifest, RunConfig } from '@sotto/protocol/oci'
