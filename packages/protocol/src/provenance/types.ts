/**
 * Where an image comes from. Both documents are canonical JSON in DSSE, like all others, and small
 * enough for the log.
 */
import type { Digest } from '../keyrelease/index.ts'

/** DSSE payload types. SLSA provenance is an in-toto statement, so it shares in-toto's. */
export const PROVENANCE_PAYLOAD_TYPES = {
  provenance: 'application/vnd.in-toto+json',
  sbom: 'application/vnd.sotto.sbom+json',
} as const

/** Predicate type of SLSA provenance (slsa.dev/spec/v1.0/provenance). */
export const SLSA_PREDICATE = 'https://slsa.dev/provenance/v1'

/** How `npm run release:build` builds: externalParameters are {@link ImageParameters}. */
export const IMAGE_BUILD_TYPE = 'https://sotto.dev/build/image/v1'

/** in-toto ResourceDescriptor (in-toto/attestation, spec/v1/resource_descriptor.md) with what is used of it. */
export interface ResourceDescriptor {
  name?: string
  uri?: string
  /** By algorithm, lower-case hexadecimal. */
  digest: Record<string, string>
}

/** What decided the bytes of an image and can be chosen from outside. */
export interface ImageParameters {
  role: string
  /** `release`, or `software` for one that runs in the software TEE. */
  flavour: string
  /** Node's name of the processor: addons are per processor. */
  arch: string
}

/**
 * in-toto Statement v1 with SLSA provenance v1. `subject` names the image by the SHA-256 of its manifest (the
 * measurement) and, beside it, the archive that carries it.
 */
export interface ProvenanceStatement {
  _type: 'https://in-toto.io/Statement/v1'
  subject: { name: string; digest: { sha256: Digest } }[]
  predicateType: typeof SLSA_PREDICATE
  predicate: {
    buildDefinition: {
      buildType: string
      externalParameters: ImageParameters
      /** Source, lock file, Node and bundler. */
      resolvedDependencies: ResourceDescriptor[]
    }
    runDetails: {
      builder: { id: string }
      /** What else came out: the manifest and the bill of materials. */
      byproducts: ResourceDescriptor[]
    }
  }
}

/** "This bill of materials is that of this image." Only its digest is logged. */
export interface SbomStatement {
  version: 1
  /** SHA-256 of the image's manifest. */
  image: Digest
  /** SHA-256 of the file. */
  sbom: Digest
  format: 'CycloneDX 1.6'
}
