export { type ArtifactImporter, createArtifactImporter, MAX_ARTIFACTS } from './import.ts'
