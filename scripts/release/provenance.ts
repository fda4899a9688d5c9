/** SLSA provenance of one image (in-toto Statement v1, slsa.dev/provenance/v1). */
import { join } from 'node:path'
import {
  IMAGE_BUILD_TYPE,
  type ProvenanceStatement,
  type ResourceDescriptor,
  SLSA_PREDICATE,
} from '@sotto/protocol/provenance'
import { type Component, nodePackage, sha256Of } from './components.ts'
import { ROOMS_PART } from '../build/parts.ts'
import type { BuiltImage } from './image.ts'
import type { Source } from './source.ts'

/** `builder.id` of whoever runs this script by hand; SLSA build level 1. */
export const BUILDER_ID = 'https://sotto.dev/builder/release-build/v1'

/** Where the product's source lives, as a package URL's kind of name: the commit says which. */
const SOURCE_URI = 'git+https://sotto.dev/sotto'

/** What an image was built from, and what came out. No time in it: two builders say the same. */
export function describeBuild(options: {
  root: string
  image: BuiltImage
  flavour: string
  source: Source
  components: readonly Component[]
  /** SHA-256 of `image.tar` and of `sbom.cdx.json`. */
  tar: string
  sbom: string
}): ProvenanceStatement {
  const { root, image, flavour, source, components, tar, sbom } = options
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: image.digest } },
      { name: 'image.tar', digest: { sha256: tar } },
    ],
    predicateType: SLSA_PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: IMAGE_BUILD_TYPE,
        externalParameters: { role: image.role, flavour, arch: process.arch },
        resolvedDependencies: [
          {
            name: 'source',
            uri: SOURCE_URI,
            digest: { sha256: source.digest, ...(source.commit && { gitCommit: source.commit }) },
          },
          ...locksOf(image.role).map((name) => ({
            name,
            digest: { sha256: sha256Of(join(root, name)) },
          })),
          ...toolsOf(root, components),
        ],
      },
      runDetails: {
        builder: { id: BUILDER_ID },
        byproducts: [
          { name: 'manifest', digest: { sha256: image.digest } },
          { name: 'sbom.cdx.json', digest: { sha256: sbom } },
        ],
      },
    },
  }
}

/** Lock files that name what is in an image. */
function locksOf(role: BuiltImage['role']): string[] {
  return ['package-lock.json', ...(role === 'room' ? [`${ROOMS_PART}/package-lock.json`] : [])]
}

/** What runs during the build or is the image's runtime: Node and the bundler. The lock file pins the rest. */
function toolsOf(root: string, components: readonly Component[]): ResourceDescriptor[] {
  const node = components.find(({ folder }) => folder === nodePackage())!
  const binary = `@esbuild/linux-${process.arch}`
  return [
    {
      name: 'node',
      uri: `pkg:npm/${node.name}@${node.version}`,
      digest: { sha256: node.files[0]!.sha256, sha512: node.tarball },
    },
    {
      name: 'esbuild',
      uri: `pkg:npm/%40esbuild/linux-${process.arch}`,
      digest: { sha256: sha256Of(join(root, 'node_modules', binary, 'bin/esbuild')) },
    },
  ]
}
