import { IMAGE_BUILD_TYPE, type ProvenanceStatement, SLSA_PREDICATE } from '../../src/provenance/index.ts'

export const COMMIT = '1234'.repeat(10)
export const BUILDER = 'https://builder.example/v1'

/** Provenance of one image. */
export function provenance(image: string, source = 'cd'.repeat(32)): ProvenanceStatement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: image } },
      { name: 'image.tar', digest: { sha256: 'ef'.repeat(32) } },
    ],
    predicateType: SLSA_PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: IMAGE_BUILD_TYPE,
        externalParameters: { role: 'kms', flavour: 'release', arch: 'x64' },
        resolvedDependencies: [
          {
            name: 'source',
            uri: 'git+https://source.example/it',
            digest: { sha256: source, gitCommit: COMMIT },
          },
        ],
      },
      runDetails: { builder: { id: BUILDER }, byproducts: [] },
    },
  }
}
