import {
  areDistinct,
  type Decoder,
  hex,
  jcsError,
  label,
  list,
  literal,
  members,
  object,
  refine,
  text,
} from '../jcs/index.ts'
import {
  type ImageParameters,
  type ProvenanceStatement,
  type ResourceDescriptor,
  type SbomStatement,
  SLSA_PREDICATE,
} from './types.ts'

/** Subjects and dependencies: our own have 2 and 5. */
const MAX_SUBJECTS = 16
const MAX_RESOURCES = 64
const MAX_DIGESTS = 8

const name = label(256)
const uri = text(512, /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/)
const sha256 = object({ sha256: hex(32) })

/** Digests by algorithm: names are for whoever knows the algorithm, so only their form is checked. */
const digests: Decoder<Record<string, string>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw jcsError('JCS_FIELD', `${path} is malformed`, 'an object')
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.length > MAX_DIGESTS)
    throw jcsError('JCS_FIELD', `${path} is malformed`, `1 to ${MAX_DIGESTS} digests`, `${entries.length}`)
  return Object.fromEntries(
    entries.map(([algorithm, digest]) => [
      text(32, /^[A-Za-z0-9_]+$/)(algorithm, `${path}: an algorithm`),
      text(256, /^(?:[0-9a-f]{2})+$/)(digest, `${path}.${algorithm}`),
    ]),
  )
}

const resource = members<ResourceDescriptor>({ digest: digests }, { name, uri })

const parameters: Decoder<ImageParameters> = object({
  role: text(32, /^[a-z][a-z0-9-]*$/),
  flavour: text(32, /^[a-z][a-z0-9-]*$/),
  arch: text(32, /^[a-z0-9_]+$/),
})

/** A provenance statement of ours. Subjects have distinct names: one name never means two images. */
export const provenanceStatementDecoder: Decoder<ProvenanceStatement> = refine(
  object({
    _type: literal('https://in-toto.io/Statement/v1'),
    subject: list(object({ name, digest: sha256 }), 1, MAX_SUBJECTS),
    predicateType: literal(SLSA_PREDICATE),
    predicate: object({
      buildDefinition: object({
        buildType: uri,
        externalParameters: parameters,
        resolvedDependencies: list(resource, 1, MAX_RESOURCES),
      }),
      runDetails: object({
        builder: object({ id: uri }),
        byproducts: list(resource, 0, MAX_RESOURCES),
      }),
    }),
  }),
  ({ subject }) => (areDistinct(subject.map((one) => one.name)) ? undefined : 'a subject stands twice'),
)

/** See {@link SbomStatement}. */
export const sbomStatementDecoder: Decoder<SbomStatement> = object({
  version: literal(1),
  image: hex(32),
  sbom: hex(32),
  format: literal('CycloneDX 1.6'),
})
