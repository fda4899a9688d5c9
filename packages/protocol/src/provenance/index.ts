export { provenanceStatementDecoder, sbomStatementDecoder } from './decode.ts'
export {
  IMAGE_BUILD_TYPE,
  PROVENANCE_PAYLOAD_TYPES,
  SLSA_PREDICATE,
  type ImageParameters,
  type ProvenanceStatement,
  type ResourceDescriptor,
  type SbomStatement,
} from './types.ts'
