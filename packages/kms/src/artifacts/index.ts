export { type ArtifactImporter, createArtifactImporter, type ImportContext } from './import.ts'
export { type ArtifactPolicy, policyOf, withArtifact } from './keep.ts'
export { MAX_ARTIFACTS } from './owners.ts'
export { admitRemoval } from './remove.ts'
